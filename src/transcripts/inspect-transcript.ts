import { createHash } from 'node:crypto'
import { ExitCode, OperatorError, withDetail } from '../errors.js'
import { parseJsonLine } from './json-line.js'
import { footerSchema } from './formats/native.js'
import { readLines } from './read-transcript.js'
import { formatOf, type TranscriptFormat } from './formats/index.js'
import type { TranscriptInput } from './transcript-input.js'

/** What is known of a transcript before anything is sent. */
export interface InspectedTranscript {
  readonly format: TranscriptFormat['name']
  /** A first line for a part of it that has no footer of its own; undefined for plain lines. */
  readonly header: Buffer | undefined
  /** It has no footer, and was accepted all the same. */
  readonly truncated: boolean
}

/**
 * Tells the format of a transcript, and reads a native one through to its footer.
 * @throws OperatorError `unknown_transcript_format`, `unknown_transcript_version`, `transcript_truncated`,
 * `transcript_altered`, `lines_after_footer`
 */
export const inspectTranscript = async (
  input: TranscriptInput,
  options: { readonly acceptTruncated: boolean; readonly signal: AbortSignal },
): Promise<InspectedTranscript> => {
  for await (const { bytes = Buffer.alloc(0) } of readLines(input.read())) {
    const format = named(input.name, () => formatOf(bytes))
    const header = headerOfPart(format, bytes)
    if (format.header === undefined) return { format: format.name, header, truncated: false }
    const hasFooter = await checkFooter(input, options.signal)
    const truncated = !hasFooter && format.header.footer
    if (truncated && !options.acceptTruncated) throw truncatedTranscript(input.name)
    return { format: format.name, header, truncated }
  }
  return { format: 'plain', header: undefined, truncated: false }
}

const headerOfPart = ({ name, header }: TranscriptFormat, firstLine: Buffer): Buffer | undefined => {
  if (name === 'plain') return undefined
  return header === undefined ? withoutLineEnd(firstLine) : Buffer.from(JSON.stringify({ ...header, footer: false }))
}

/** @returns whether there is a footer */
const checkFooter = async (input: TranscriptInput, signal: AbortSignal): Promise<boolean> => {
  const hash = createHash('sha256')
  let messages = 0
  let footerAt: number | undefined
  for await (const { number, bytes } of readLines(input.read())) {
    signal.throwIfAborted()
    if (footerAt !== undefined) throw linesAfterFooter(input.name, footerAt)
    const { value } = parseJsonLine(bytes ?? Buffer.alloc(0))
    const footer = footerSchema.safeParse(value)
    if (footer.success) {
      footerAt = number
      if (footer.data.sha256 !== hash.digest('hex'))
        throw altered(input.name, 'its lines are not those that were hashed')
      if (footer.data.messages !== messages) {
        throw altered(input.name, `it holds ${messages} messages, and its footer says ${footer.data.messages}`)
      }
      continue
    }
    if (isMessage(value)) messages += 1
    if (bytes !== undefined) hash.update(withoutLineEnd(bytes)).update('\n')
  }
  return footerAt !== undefined
}

const isMessage = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'type' in value && value.type === 'message'

const BYTE_ORDER_MARK = Buffer.from('\ufeff')

// What editors and transports of text change is no alteration of what was said.
const withoutLineEnd = (bytes: Buffer): Buffer => {
  const start = bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0
  return bytes.subarray(start, bytes.at(-1) === 0x0d ? -1 : undefined)
}

const named = <T>(name: string, work: () => T): T => {
  try {
    return work()
  } catch (error) {
    throw error instanceof OperatorError ? withDetail(error, `the transcript is ${name}`) : error
  }
}

const truncatedTranscript = (name: string): OperatorError =>
  new OperatorError('transcript_truncated', `${name} has no footer: it was not written, or not copied, to its end`, {
    hint: 'get the file again; if its chat server was killed, replay what there is: --accept-truncated',
    exitCode: ExitCode.no,
  })

const altered = (name: string, how: string): OperatorError =>
  new OperatorError('transcript_altered', `${name} was altered since it was written: ${how}`, {
    hint: 'get the file again; if the change is meant, put "footer":false into its header and take the footer away',
    exitCode: ExitCode.no,
  })

const linesAfterFooter = (name: string, line: number): OperatorError =>
  new OperatorError('lines_after_footer', `${name} goes on after its footer, line ${line}`, {
    hint: `replay joined transcripts one by one; the first one is: head -n ${line} ${name}`,
    exitCode: ExitCode.no,
  })
