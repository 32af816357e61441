import { createHash } from 'node:crypto'
import * as z from 'zod/mini'
import { ExitCode, OperatorError } from '../../errors.js'
import { parseJsonLine } from '../json-line.js'
import { withoutLineEnd, type RawLine } from '../split-lines.js'
import { shellWord } from '../../shell-word.js'

const footerSchema = z.object({ type: z.literal('footer'), messages: z.int().check(z.minimum(0)), sha256: z.string() })

/**
 * Reads a transcript to its end and checks its footer.
 * @returns whether there is a footer
 * @throws OperatorError `transcript_altered`, `lines_after_footer`, the signal's reason
 */
export const hasFooter = async (name: string, lines: AsyncIterable<RawLine>, signal: AbortSignal): Promise<boolean> => {
  const hash = createHash('sha256')
  let messages = 0
  let footerAt: number | undefined
  for await (const { number, bytes } of lines) {
    signal.throwIfAborted()
    if (footerAt !== undefined) throw linesAfterFooter(name, footerAt)
    const { value } = parseJsonLine(bytes ?? Buffer.alloc(0))
    const { data: footer } = footerSchema.safeParse(value)
    if (footer === undefined) {
      if (isMessage(value)) messages += 1
      if (bytes !== undefined) hash.update(withoutLineEnd(bytes)).update('\n')
      continue
    }
    footerAt = number
    if (footer.sha256 !== hash.digest('hex')) throw altered(name, 'the hash of its lines is not the one in its footer')
    if (footer.messages !== messages) {
      throw altered(name, `it holds ${messages} messages, and its footer says ${footer.messages}`)
    }
  }
  return footerAt !== undefined
}

const isMessage = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'type' in value && value.type === 'message'

const altered = (name: string, how: string): OperatorError =>
  new OperatorError('transcript_altered', `${name} was altered since it was written: ${how}`, {
    hint: 'get the file again; if the change is meant, put "footer":false into its header and remove the footer',
    exitCode: ExitCode.no,
  })

const linesAfterFooter = (name: string, line: number): OperatorError =>
  new OperatorError('lines_after_footer', `${name} goes on after its footer, line ${line}`, {
    hint: `replay joined transcripts one by one; the first one is: head -n ${line} ${shellWord(name)}`,
    exitCode: ExitCode.no,
  })
