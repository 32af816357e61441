import type { Queryable } from '../database/connection.js'
import { describeAddress, describeTarget, type ConnectionTarget } from '../database/connection-target.js'
import { inEarnest } from '../next-step.js'
import {
  eraseNeeds,
  erasePerson,
  isNothing,
  readPersonPrice,
  refuseReferencedPerson,
  type ClientRow,
  type PersonPrice,
} from '../persistence/erasure/erase-person.js'
import { findPerson, type FoundPerson, type Person } from '../persistence/erasure/person.js'
import type { ErasureTables } from '../persistence/erasure/tables.js'
import type { Answer } from '../terminal/answer.js'
import { confirmByName } from '../terminal/confirm.js'
import { printable } from '../terminal/printable.js'
import type { Terminal } from '../terminal/terminal.js'
import { deleting } from './deleting.js'
import { withErasureBatches, withErasureSnapshot, type BatchFlags, type ErasureCommand } from './erasure-session.js'
import { eraseAnswer, personLines } from './render-erase.js'
import { toPerson, type PersonFlags } from './to-person.js'

/** The flags of `chatkeep erase`. */
export interface EraseFlags extends PersonFlags, BatchFlags {
  readonly keepClient?: true | undefined
  readonly dryRun?: true | undefined
  readonly confirm?: string | undefined
}

const COMMAND: ErasureCommand = { name: 'erase', what: 'delete a person', needs: eraseNeeds }

interface Found {
  readonly person: FoundPerson
  readonly price: PersonPrice
}

const find = async (client: Queryable, tables: ErasureTables, person: Person): Promise<Found> => {
  const found = await findPerson(client, tables, person)
  return { person: found, price: await readPersonPrice(client, tables, found) }
}

/** Deletes a person after a confirmation, or says what that would delete. */
export const runErase = async (target: ConnectionTarget, flags: EraseFlags, terminal: Terminal): Promise<Answer> => {
  const { progress } = terminal
  const clientRow: ClientRow = flags.keepClient === true ? 'anonymise' : 'delete'
  const head = printable(`erase  ${describeTarget(target)}  schema ${target.schema ?? 'public'}`)
  const wanted = toPerson(flags)
  const { price } = await withErasureSnapshot(target, COMMAND, flags, terminal, (client, tables) =>
    find(client, tables, wanted),
  )
  const command = inEarnest('', target.database)
  const shown = { target, price, clientRow, command }
  if (flags.dryRun !== true) progress.line(head)
  if (flags.dryRun !== true && isNothing(price)) return eraseAnswer({ ...shown, deleted: 0 })
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
  const onDeleted = (sum: number): void => progress.update(deleting(sum, price.messages))
  const deleted = await withErasureBatches(
    target,
    COMMAND,
    flags,
    { ...terminal, onDeleted },
    async (session, tables) => {
      // Again: somebody may have been renamed since the question.
      const { person } = await session.runBatch((client) => find(client, tables, wanted))
      return erasePerson(session, tables, person, clientRow)
    },
  )
  return eraseAnswer({ ...shown, deleted })
}
