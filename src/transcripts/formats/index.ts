import * as z from 'zod'
import { OperatorError } from '../../errors.js'
import { TRANSCRIPT_FORMAT, TRANSCRIPT_VERSION } from '../transcript-format.js'
import { parseJsonLine } from '../json-line.js'
import type { LineReader } from '../line-reader.js'
import { createMattermostReader } from './mattermost.js'
import { createNativeReader, headerSchema, type TranscriptHeader } from './native.js'
import { createPlainReader } from './plain.js'

/** A format of transcripts, as a first line told it. */
export interface TranscriptFormat {
  readonly name: 'plain' | 'native' | 'mattermost'
  /** Of a native transcript. */
  readonly header?: TranscriptHeader
  createReader(): LineReader
}

/** What a first line may be that is no message. A format with a header is one entry more. */
const HEADERS: Readonly<Record<string, (line: unknown) => TranscriptFormat>> = {
  [TRANSCRIPT_FORMAT]: (line) => {
    const { data } = headerSchema.safeParse(line)
    if (data === undefined) throw unreadableHeader()
    if (data.version !== TRANSCRIPT_VERSION) throw unknownVersion(`${TRANSCRIPT_FORMAT} version ${data.version}`)
    return { name: 'native', header: data, createReader: () => createNativeReader(data) }
  },
}

const PLAIN: TranscriptFormat = { name: 'plain', createReader: createPlainReader }

/**
 * Tells a transcript's format by its first line that is not blank.
 * @throws OperatorError `unknown_transcript_format`, `unknown_transcript_version`
 */
export const formatOf = (firstLine: Uint8Array): TranscriptFormat => {
  const { value } = parseJsonLine(firstLine)
  const { data } = firstLineSchema.safeParse(value)
  if (data === undefined) return PLAIN
  if (data.type === 'message') throw withoutHeader()
  if (data.type === 'version') {
    if (data.version !== 1) throw unknownVersion(`Mattermost bulk version ${data.version}`)
    return { name: 'mattermost', createReader: createMattermostReader }
  }
  const known = HEADERS[data.format]
  if (known === undefined) throw unknownFormat(data.format)
  return known(value)
}

const firstLineSchema = z.union([
  z.object({ type: z.literal('version'), version: z.int() }),
  z.object({ type: z.literal('header'), format: z.string() }),
  z.object({ type: z.literal('message') }),
])

const READABLE = [TRANSCRIPT_FORMAT, 'Mattermost bulk files', 'plain lines'].join(', ')

const unknownFormat = (format: string): OperatorError =>
  new OperatorError('unknown_transcript_format', `its first line says format ${JSON.stringify(format.slice(0, 60))}`, {
    hint: `what can be read: ${READABLE}; chatkeep replay --help`,
  })

const unknownVersion = (found: string): OperatorError =>
  new OperatorError('unknown_transcript_version', `it is ${found}, and only version 1 is known`, {
    hint: 'use a newer chatkeep: npm install -g chatkeep@latest',
  })

const withoutHeader = (): OperatorError =>
  new OperatorError(
    'unknown_transcript_format',
    'its first line is a message of a recording, whose header is missing',
    {
      hint: 'put its header before it: {"type":"header","format":"chatkeep-transcript","version":1,"source":"…","footer":false}',
    },
  )

const unreadableHeader = (): OperatorError =>
  new OperatorError('unknown_transcript_format', 'its first line is a header without a version', {
    hint: 'a header is {"type":"header","format":"chatkeep-transcript","version":1,"source":"…"}',
  })
