import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { describeTarget, type ConnectionTarget } from '../database/connection-target.js'
import { ExitCode, OperatorError } from '../errors.js'
import { hasCode } from '../file-reason.js'
import { readPersonPrice } from '../persistence/erasure/erase-person.js'
import { exportNeeds, readPerson } from '../persistence/erasure/export-person.js'
import { findPerson } from '../persistence/erasure/person.js'
import { openPrivateFile } from '../private-file.js'
import type { Answer } from '../terminal/answer.js'
import type { OutputStream } from '../terminal/output-stream.js'
import { printable } from '../terminal/printable.js'
import { count } from '../terminal/render.js'
import type { Terminal } from '../terminal/terminal.js'
import { transcriptFooter, transcriptHeader } from '../transcripts/transcript-format.js'
import { withErasureSnapshot, type ErasureCommand } from './erasure-session.js'
import { exportLine, inAscii } from './export-lines.js'
import { toPerson, type PersonFlags } from './to-person.js'

/** The flags of `chatkeep export`. */
export interface ExportFlags extends PersonFlags {
  readonly output?: string | undefined
  readonly maxWait: number
  readonly json?: true | undefined
}

const COMMAND: ErasureCommand = { name: 'export', what: 'read a person', needs: exportNeeds }

/** Writes all that the database holds of a person, to a new file or to stdout. */
export const runExport = async (
  target: ConnectionTarget,
  flags: ExportFlags,
  terminal: Terminal & { readonly stdout: OutputStream },
): Promise<Answer | undefined> => {
  const { output } = flags
  const person = toPerson(flags)
  if (output !== undefined) {
    const path = resolve(terminal.cwd, output)
    const counted = await toNewFile(path, (write) => exportTo(target, person, flags, terminal, write))
    const { records, messages } = counted
    return {
      data: { target: describeTarget(target), file: path, records, messages },
      text: ({ paint }) =>
        `${paint.green('ok:')} ${count(messages, 'message')} and ${count(records - messages, 'other row')} are in ${printable(output)}`,
    }
  }
  if (flags.json === true)
    throw new OperatorError('usage', 'the export itself is JSON, one document a line: --json needs --output')
  const toStdout = (line: string): Promise<void> => {
    terminal.stdout.write(line)
    return Promise.resolve()
  }
  const { messages } = await exportTo(target, person, flags, terminal, toStdout, inAscii)
  terminal.progress.line(`exported: ${count(messages, 'message')}`)
  return undefined
}

type Write = (line: string) => Promise<void>

interface Exported {
  readonly records: number
  readonly messages: number
}

const exportTo = (
  target: ConnectionTarget,
  wanted: ReturnType<typeof toPerson>,
  flags: ExportFlags,
  terminal: Terminal,
  write: Write,
  encode: (line: string) => string = (line) => line,
): Promise<Exported> =>
  withErasureSnapshot(target, COMMAND, flags, terminal, async (client, tables) => {
    const person = await findPerson(client, tables, wanted)
    // Takes every lock that there is to wait for, before anything is written.
    await readPersonPrice(client, tables, person)
    const hash = createHash('sha256')
    const add = async (line: string): Promise<void> => {
      const encoded = encode(line)
      hash.update(encoded)
      await write(encoded)
    }
    let [records, messages] = [0, 0]
    await add(transcriptHeader(new Date()))
    for await (const record of readPerson(client, tables, person)) {
      records += 1
      if (record.type === 'message') messages += 1
      await add(exportLine(record))
    }
    await write(transcriptFooter(messages, hash.digest('hex')))
    return { records, messages }
  })

/** Writes a file that was not there, for its owner alone; nothing is left of it when the work fails. */
const toNewFile = async <T>(path: string, work: (write: Write) => Promise<T>): Promise<T> => {
  const file = await openPrivateFile(path, 'create').catch((cause: unknown) => {
    if (!hasCode(cause, 'EEXIST')) throw cause
    throw new OperatorError('file_exists', `${path} exists, and is not overwritten`, {
      exitCode: ExitCode.refused,
      hint: 'name a new file',
      cause,
    })
  })
  try {
    const result = await work(async (line) => {
      await file.appendFile(line)
    })
    await file.sync()
    return result
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}
