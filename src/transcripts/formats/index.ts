import * as z from 'zod/mini'
import { OperatorError } from '../../errors.js'
import { parseJsonLine } from '../json-line.js'
import type { RecognisedTranscript, TranscriptFormat } from './format.js'
import { mattermost } from './mattermost.js'
import { native } from './native.js'
import { plain } from './plain.js'

/** Add a format: write ./<name>.ts, list it here. The first one that recognises a transcript reads it. */
export const TRANSCRIPT_FORMATS: readonly TranscriptFormat[] = [native, mattermost, plain]

/** The format of a transcript that does not say; reports do not mention it. */
export const DEFAULT_FORMAT = plain.name

/** A transcript, and the name of the format that recognised it. */
export interface IdentifiedTranscript extends RecognisedTranscript {
  readonly format: string
}

/**
 * Finds the format of a transcript by its first line that is not blank.
 * @throws OperatorError `unknown_transcript_format`, `unknown_transcript_version`
 */
export const identifyTranscript = (firstLine: Buffer): IdentifiedTranscript => {
  const json = parseJsonLine(firstLine).value
  for (const { name, recognise } of TRANSCRIPT_FORMATS) {
    const recognised = recognise({ bytes: firstLine, json })
    if (recognised !== undefined) return { format: name, ...recognised }
  }
  throw unknownFormat(json)
}

const unknownFormat = (json: unknown): OperatorError => {
  const { data } = z.object({ format: z.string() }).safeParse(json)
  return new OperatorError(
    'unknown_transcript_format',
    `its first line says format ${JSON.stringify(data?.format.slice(0, 60) ?? null)}`,
    {
      hint: `formats that can be read: ${TRANSCRIPT_FORMATS.map(({ title }) => title).join(', ')}; chatkeep replay --help`,
    },
  )
}
