import { describeAddress, describeTarget, type ConnectionTarget } from '../database/connection-target.js'
import { refuseReadOnly } from '../database/read-only.js'
import { inEarnest } from '../next-step.js'
import { restrictedLines } from '../persistence/erasure/references.js'
import { ERASURE_NEEDS } from '../persistence/erasure/needs.js'
import { deleteAged, isNothingAged, readRetentionPrice, refuseReferenced } from '../persistence/erasure/retention.js'
import { confirmByName } from '../terminal/confirm.js'
import type { Answer } from '../terminal/answer.js'
import { printable } from '../terminal/printable.js'
import { count } from '../terminal/render.js'
import type { Terminal } from '../terminal/terminal.js'
import { deleting } from './deleting.js'
import { withErasureBatches, withErasureSnapshot, type BatchFlags, type ErasureCommand } from './erasure-session.js'
import { priceLines, retainAnswer } from './render-retain.js'

/** The flags of `chatkeep retain`. */
export interface RetainFlags extends BatchFlags {
  readonly olderThan: Date
  readonly dryRun?: true | undefined
  readonly confirm?: string | undefined
}

const COMMAND: ErasureCommand = { name: 'retain', ...ERASURE_NEEDS.retain }

/** Deletes messages by age after a confirmation, or says what that would delete. */
export const runRetain = async (target: ConnectionTarget, flags: RetainFlags, terminal: Terminal): Promise<Answer> => {
  const { progress, progressRender } = terminal
  const { olderThan } = flags
  const head = printable(`retain  ${describeTarget(target)}  schema ${target.schema ?? 'public'}`)
  const price = await withErasureSnapshot(target, COMMAND, flags, terminal, async (client, tables) => {
    if (flags.dryRun !== true) await refuseReadOnly(client)
    return readRetentionPrice(client, tables, olderThan)
  })
  // The same instant, however long the answer takes: what was shown is what is deleted.
  const command = inEarnest(`--older-than ${olderThan.toISOString()}`, target.database)
  const shown = { target, olderThan, price, command }
  const isRefused = restrictedLines(price.referring).length > 0
  if (flags.dryRun === true && !isRefused) return retainAnswer({ ...shown, head, deleted: undefined })
  progress.line(head)
  if (isNothingAged(price)) return retainAnswer({ ...shown, deleted: 0 })
  for (const line of priceLines(shown, progressRender)) progress.line(line)
  refuseReferenced(price)
  const { database, naming } = target
  const messages = price.messages + price.archived.messages
  await confirmByName(
    {
      ...{ database, wanted: naming?.confirmation ?? database, given: flags.confirm, command },
      question: `Delete ${count(messages, 'message')} of ${describeAddress(target)}?`,
      what: 'a deletion',
    },
    terminal,
  )
  const onDeleted = (sum: number): void => progress.update(deleting(sum, messages))
  const deleted = await withErasureBatches(target, COMMAND, flags, { ...terminal, onDeleted }, (session, tables) =>
    deleteAged(session, tables, olderThan),
  )
  return retainAnswer({ ...shown, deleted })
}
