import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { describeTarget, type ConnectionTarget } from '../database/connection-target.js'
import { ExitCode, OperatorError } from '../errors.js'
import { hasCode } from '../file-reason.js'
import { again } from '../next-step.js'
import { readPersonPrice } from '../persistence/erasure/erase-person.js'
import { readPerson } from '../persistence/erasure/export-person.js'
import { ERASURE_NEEDS } from '../persistence/erasure/needs.js'
import { isArchivedMessage } from '../persistence/erasure/own-rows.js'
import { openPrivateFile } from '../private-file.js'
import { verdictLast, type Answer } from '../terminal/answer.js'
import type { OutputStream } from '../terminal/output-stream.js'
import { printable } from '../terminal/printable.js'
import { count } from '../terminal/render.js'
import type { Terminal } from '../terminal/terminal.js'
import { exportHeader, transcriptFooter } from '../transcripts/transcript-format.js'
import { withErasureSnapshot, type ErasureCommand } from './erasure-session.js'
import { leftLines, nothingOf } from './files/describe-files.js'
import { withPersonFiles, type FileFlags, type OpenOptions } from './files/open-files.js'
import { findInFiles, findNamed, personsLines } from './files/scan-files.js'
import { othersLines } from './render-erase.js'
import { exportFileLine, exportLine, inAscii } from './export-lines.js'
import { toPerson, type PersonFlags } from './to-person.js'

/** The flags of `chatkeep export`. */
export interface ExportFlags extends PersonFlags, FileFlags {
  readonly output?: string | undefined
  readonly maxWait: number
  readonly json?: true | undefined
}

const COMMAND: ErasureCommand = { name: 'export', ...ERASURE_NEEDS.export }

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
    const { records, messages, archivedMessages, lines, left } = counted
    const others = [
      count(records - messages - lines, 'other row'),
      ...(lines === 0 ? [] : [count(lines, 'line') + ' of files']),
    ]
    return {
      data: { target: describeTarget(target), file: path, records, messages, archivedMessages, lines },
      ...verdictLast(({ paint }) => [
        ...left,
        `${paint.green('ok:')} ${count(messages, 'message')} and ${others.join(' and ')} are in ${printable(output)}`,
      ]),
    }
  }
  if (flags.json === true)
    throw new OperatorError('usage', 'the export itself is JSON, one document a line: --json needs --output')
  const toStdout = async (line: string): Promise<void> => {
    terminal.stdout.write(line)
    await terminal.stdout.drained?.().catch((cause: unknown) => {
      throw notWritten(cause)
    })
  }
  const { messages, lines, left } = await exportTo(target, person, flags, terminal, toStdout, inAscii)
  for (const line of left) terminal.progress.line(line)
  terminal.progress.line(
    `exported: ${count(messages, 'message')}${lines === 0 ? '' : ` and ${count(lines, 'line')} of files`}`,
  )
  return undefined
}

/** Stdout takes no more: its reader is gone, or its disk is full. */
const notWritten = (cause: unknown): OperatorError =>
  new OperatorError(
    'output_not_written',
    hasCode(cause, 'EPIPE')
      ? 'the reader of stdout ended before the export was complete'
      : `the export cannot be written to stdout: ${cause instanceof Error ? cause.message : String(cause)}`,
    { exitCode: ExitCode.unreachable, hint: again('--output FILE', 'write it to a new file'), cause },
  )

// A mistyped name must not look like an answer.
const nothingFound = (hasFiles: boolean, details: readonly string[]): OperatorError =>
  new OperatorError('nothing_found', `${nothingOf(hasFiles)}; nothing was exported`, {
    exitCode: ExitCode.no,
    details,
    hint: 'check the id, name or phone: a name is compared exactly, with upper and lower case',
  })

type Write = (line: string) => Promise<void>

interface Exported {
  readonly records: number
  readonly messages: number
  /** Of the messages, those that are rows of the archive of a rollback. */
  readonly archivedMessages: number
  /** Of files. */
  readonly lines: number
  /** What is not in it. */
  readonly left: readonly string[]
}

const archivedLines = (messages: number): readonly string[] =>
  messages === 0
    ? []
    : [
        `note: ${count(messages, 'message')} of them ${messages === 1 ? 'is a row' : 'are rows'} of the archive of the rollback: replay skips what migrate puts back`,
      ]

const exportTo = async (
  target: ConnectionTarget,
  wanted: ReturnType<typeof toPerson>,
  flags: ExportFlags,
  terminal: Terminal,
  write: Write,
  encode: (line: string) => string = (line) => line,
): Promise<Exported> => {
  const { cwd, signal, progress } = terminal
  const opening: OpenOptions = { cwd, signal, access: 'read', onProgress: progress.update }
  const hash = createHash('sha256')
  let [records, messages, archivedMessages, lines] = [0, 0, 0, 0]
  const addLine = async (line: string): Promise<void> => {
    const encoded = encode(line)
    hash.update(encoded)
    await write(encoded)
  }
  const add = async (line: string): Promise<void> => {
    if (records + lines === 1) await addLine(exportHeader(new Date()))
    await addLine(line)
  }
  return withPersonFiles(flags, opening, async ({ files, setAside }) => {
    const found = await findInFiles(files, wanted, (hints) =>
      withErasureSnapshot(target, COMMAND, flags, terminal, async (client, tables) => {
        const named = await findNamed(client, tables, files, wanted, hints)
        // Takes every lock that there is to wait for, before anything is written.
        await readPersonPrice(client, tables, named.person)
        for await (const record of readPerson(client, tables, named.person)) {
          records += 1
          if (record.type === 'message') messages += 1
          if (record.type === 'chatkeep' && isArchivedMessage(record.row)) archivedMessages += 1
          await add(exportLine(record))
        }
        return named
      }),
    )
    for await (const line of personsLines(files, found.judge)) {
      lines += 1
      await add(exportFileLine(line))
    }
    const others = othersLines(found.person.otherClients)
    if (records + lines === 0) throw nothingFound(files.length > 0, others)
    await write(transcriptFooter(messages, hash.digest('hex')))
    return {
      ...{ records: records + lines, messages: messages + archivedMessages, archivedMessages, lines },
      left: [...others, ...archivedLines(archivedMessages), ...leftLines(found.files, setAside)],
    }
  })
}

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
