import { describeAddress, describeTarget, type ConnectionTarget } from '../database/connection-target.js'
import { refuseReadOnly } from '../database/read-only.js'
import { interruptedBy, type OperatorError } from '../errors.js'
import { again, inEarnest } from '../next-step.js'
import {
  erasePerson,
  isNothing,
  readPersonPrice,
  refuseReferencedPerson,
  type ClientRow,
} from '../persistence/erasure/erase-person.js'
import { ERASURE_NEEDS } from '../persistence/erasure/needs.js'
import { findPerson, type Person } from '../persistence/erasure/person.js'
import type { Answer } from '../terminal/answer.js'
import { confirmByName } from '../terminal/confirm.js'
import { printable } from '../terminal/printable.js'
import type { Terminal } from '../terminal/terminal.js'
import { deleting } from './deleting.js'
import { withErasureBatches, withErasureSnapshot, type BatchFlags, type ErasureCommand } from './erasure-session.js'
import { areNamed, linesOf } from './files/describe-files.js'
import { withPersonFiles, type FileFlags, type OpenedFiles } from './files/open-files.js'
import { eraseInFiles, findInFiles, findNamed, stepsBefore, type Step } from './files/scan-files.js'
import { eraseAnswer, personLines } from './render-erase.js'
import { toPerson, type PersonFlags } from './to-person.js'

/** The flags of `chatkeep erase`. */
export interface EraseFlags extends PersonFlags, BatchFlags, FileFlags {
  readonly keepClient?: true | undefined
  readonly dryRun?: true | undefined
  readonly confirm?: string | undefined
}

const COMMAND: ErasureCommand = { name: 'erase', ...ERASURE_NEEDS.erase }

/** Deletes a person after a confirmation, or says what that would delete. */
export const runErase = (target: ConnectionTarget, flags: EraseFlags, terminal: Terminal): Promise<Answer> => {
  const { cwd, signal, progress } = terminal
  const wanted = toPerson(flags)
  // Their locks are held to the end: no server drains a journal meanwhile. A dry run takes none, and reads beside a server.
  const access = flags.dryRun === true ? 'read' : 'change'
  return withPersonFiles(flags, { cwd, signal, access, onProgress: progress.update }, (opened) =>
    eraseEverywhere({ target, flags, terminal, wanted, opened }),
  )
}

interface Erasure {
  readonly target: ConnectionTarget
  readonly flags: EraseFlags
  readonly terminal: Terminal
  readonly wanted: Person
  readonly opened: OpenedFiles
}

const eraseEverywhere = async ({ target, flags, terminal, wanted, opened }: Erasure): Promise<Answer> => {
  const { progress } = terminal
  const clientRow: ClientRow = flags.keepClient === true ? 'anonymise' : 'delete'
  const head = printable(`erase  ${describeTarget(target)}  schema ${target.schema ?? 'public'}`)
  const found = await findInFiles(opened.files, wanted, (hints) =>
    withErasureSnapshot(target, COMMAND, flags, terminal, async (client, tables) => {
      if (flags.dryRun !== true) await refuseReadOnly(client)
      const named = await findNamed(client, tables, opened.files, wanted, hints)
      return { ...named, price: await readPersonPrice(client, tables, named.person) }
    }),
  )
  const { price, files, judge } = found
  const command = inEarnest('', target.database)
  const shown = { target, price, clientRow, command, files, setAside: opened.setAside, areNamed: areNamed(flags) }
  if (flags.dryRun !== true) progress.line(head)
  if (flags.dryRun !== true && isNothing(price) && linesOf(files) === 0) return eraseAnswer({ ...shown, deleted: 0 })
  if (flags.dryRun !== true) for (const line of personLines(shown)) progress.line(line)
  refuseReferencedPerson(price, clientRow)
  if (flags.dryRun === true) return eraseAnswer({ ...shown, head, deleted: undefined })
  const { database, naming } = target
  await confirmByName(
    {
      ...{ database, wanted: naming?.confirmation ?? database, given: flags.confirm, command },
      ...{ question: `Delete this person from ${describeAddress(target)}?`, what: 'an erasure' },
    },
    terminal,
  )
  const inFiles = (step: Step): Promise<number> =>
    eraseInFiles(opened.files, judge, step).catch((error: unknown) => {
      throw terminal.signal.aborted ? interruptedInFiles(terminal.signal, error) : error
    })
  // What brings the person back goes first, but for the lines by which a second run finds the person.
  for (const step of stepsBefore(files)) await inFiles(step)
  const onDeleted = (sum: number): void => progress.update(deleting(sum, price.messages))
  const deleted = await withErasureBatches(
    target,
    COMMAND,
    flags,
    { ...terminal, onDeleted },
    async (session, tables) => {
      // Again: somebody may have been renamed since the question.
      const person = await session.runBatch((client) => findPerson(client, tables, found.wanted))
      return erasePerson(session, tables, person, clientRow)
    },
  )
  await inFiles('all')
  return eraseAnswer({ ...shown, deleted })
}

const interruptedInFiles = (signal: AbortSignal, cause: unknown): OperatorError =>
  interruptedBy(signal, (ended) => `erase was ${ended}`, {
    details: ['state: each file is either as it was or without the person'],
    hint: again('', 'it continues where it stopped'),
    cause,
  })
