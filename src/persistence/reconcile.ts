import type { Queryable } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { refuseMissingSchema } from '../database/missing-schema.js'
import { pinTransaction } from '../database/pinned-settings.js'
import { refuseReadOnly } from '../database/read-only.js'
import { onlyRow } from '../database/rows.js'
import { BEGIN, inTransaction } from '../database/transaction.js'
import { withSavepoints } from '../database/encoding/savepoints.js'
import {
  READ_LOCK_TIMEOUT_MS,
  retryWhileLocked,
  withLockWaits,
  type LockWaitOptions,
} from '../database/waiting/lock-attempts.js'
import { withWatchedClient } from '../database/waiting/watch-session.js'
import { interruptedBy, OperatorError, withDetail } from '../errors.js'
import { explainMissingSchema } from './errors.js'
import { refuseHiddenRows } from './access/hidden-rows.js'
import { keptRows, messagesAre } from './erasure/kept-rows.js'
import {
  countById,
  forgetSettled,
  linkableByIdSql,
  linkById,
  openWanted,
  type LinkedById,
  type MessagesById,
} from './linking/by-id.js'
import { createPreview, linkWith, selectGuests, type LinkedByName, type Step } from './linking/by-name.js'
import { countOfMerged, hasMerges, moveOfMerged } from './linking/merged.js'
import { describeServerRole } from '../database/replication/describe-server-role.js'
import { STANDBY_COLUMNS, type StandbyState } from '../database/replication/replication-state.js'
import { namesIn, UNLINKED, type Names } from './sql-names.js'
import type { WantedSession } from './wanted/waiting-messages.js'
import { again } from '../next-step.js'

export interface ReconcileOptions extends Pick<LockWaitOptions, 'maxWait' | 'signal' | 'onEvent'> {
  /** Only count, in a read-only transaction. */
  readonly dryRun: boolean
  readonly onProgress: (guestsDone: number, messagesLinked: number) => void
}

/** What was done, or with `dryRun` would be done, for messages without client, and for those of merged clients. */
export interface ReconcileReport {
  /** Guest names of messages without client. */
  readonly guests: number
  readonly messagesLinked: number
  /** Of these, the messages that named their client by its id, which was not there when they were stored. */
  readonly messagesLinkedById: number
  /** Of the linked ones, the messages under the name of a registered client, who may not have written them. */
  readonly messagesUnverified: number
  readonly clientsCreated: number
  /** Messages of a client who was merged into another, to whom they were moved. */
  readonly messagesMoved: number
  /** Messages of guests whose client could not be found or created; they stay unchanged. */
  readonly messagesLeft: number
  /** Why: different reasons, the first few. */
  readonly reasonsLeft: readonly string[]
  /** Messages that another transaction had locked; the next run links or moves them. */
  readonly messagesLocked: number
  /** Messages without guest name that name a client by an id that no client has yet. */
  readonly messagesWaiting: number
  /** Messages without guest name that name a client by an id that was given to a client after they were stored. */
  readonly messagesOlderThanClient: number
  /** Messages without guest name and id: only a person can decide whose they are. */
  readonly messagesWithoutName: number
  /** The standby on which a dry run counted, such as `standby, 3 s behind`; absent on a primary. */
  readonly standby?: string
}

/** Linking fires the application's triggers, which may need its settings. */
const PINS = 'rows'

/**
 * Links messages without client to the client whose id they name, if that is there by now, and guests' messages to the client of
 * exactly that name, which is created if there is none. Moves the messages of merged clients to the clients who have the others.
 * Safe during live traffic. Can be stopped and repeated at any time: linked messages are skipped.
 * @throws OperatorError `rows_kept` (exit 1) when a trigger of the application keeps messages, after all others
 */
export const reconcile = (target: ConnectionTarget, options: ReconcileOptions): Promise<ReconcileReport> => {
  const { dryRun, signal, onEvent } = options
  const session = { applicationName: 'chatkeep reconcile', signal, pins: PINS } as const
  return withWatchedClient(target, session, { showQueries: false, onEvent }, async (watched, client) => {
    const schema = target.schema ?? 'public'
    const names = namesIn(schema)
    const waits = { ...options, lockTimeoutMs: READ_LOCK_TIMEOUT_MS }
    try {
      await refuseMissingSchema(client, schema)
      await refuseHiddenRows(client, schema)
      if (!dryRun) await refuseReadOnly(client)
      const wanted = await openWanted(client, schema, names, dryRun ? 'count' : 'link')
      const work = { schema, names, wanted, merges: await hasMerges(client, schema), options }
      if (!dryRun) return await reconcileAll(withLockWaits(watched, PINS, waits), { ...work, byName: linkWith(client) })
      const counted = await retryWhileLocked(watched, waits, () =>
        inTransaction(
          watched,
          () => reconcileAll(withSavepoints(watched), { ...work, byName: createPreview() }),
          BEGIN_DRY_RUN,
        ),
      )
      const server = onlyRow(await client.query<StandbyState>(`SELECT ${STANDBY_COLUMNS}`))
      return server.isStandby ? { ...counted, standby: describeServerRole(server) } : counted
    } catch (error) {
      throw explainMissingSchema(error)
    }
  })
}

const BEGIN_DRY_RUN = `${BEGIN} READ ONLY; ${pinTransaction(PINS)}; SET LOCAL lock_timeout = ${READ_LOCK_TIMEOUT_MS}`

interface Work {
  readonly schema: string
  readonly names: Names
  /** Undefined where the table of the ids that messages wait for is missing. */
  readonly wanted: WantedSession | undefined
  /** Whether there are the tables of merges. */
  readonly merges: boolean
  readonly options: ReconcileOptions
  /** Links guests' messages, or counts what would be linked. */
  readonly byName: Step
}

const reconcileAll = async (client: Queryable, work: Work): Promise<ReconcileReport> => {
  const { names, wanted, options } = work
  const { dryRun, signal, onProgress } = options
  let linkedSoFar = 0
  const onLinked = (guests: number, messages: number): void => {
    linkedSoFar = messages
    signal.throwIfAborted()
    onProgress(guests, messages)
  }
  try {
    // By id first: who names a client by its id has been verified by the application.
    const byId = await reconcileById(client, work, (messages) => onLinked(0, messages))
    const { guests, messagesKept, ...byName } = await reconcileGuests(client, work, (done, messages) =>
      onLinked(done, byId.linked + messages),
    )
    const moved = await reconcileMerged(client, work, (messages) =>
      onProgress(guests, byId.linked + byName.messagesLinked + messages),
    )
    const kept = byId.kept + messagesKept
    if (kept > 0) throw await keptRows(client, { table: names.message, event: 'UPDATE', what: messagesAre(kept) })
    if (wanted !== undefined && !dryRun) await forgetSettled(client, wanted)
    const after = wanted === undefined ? NOTHING_WAITS : await countById(client, wanted)
    const { waiting, older, linkableWithoutName } = after
    const withoutName = await countWithoutName(client, names)
    return {
      guests,
      ...byName,
      messagesLinked: byId.linked + byName.messagesLinked,
      messagesLinkedById: byId.linked,
      messagesMoved: moved.moved,
      messagesLocked: byName.messagesLocked + moved.locked + (dryRun ? 0 : linkableWithoutName),
      messagesWaiting: waiting,
      messagesOlderThanClient: older,
      messagesWithoutName: withoutName - waiting - older - linkableWithoutName,
    }
  } catch (error) {
    if (signal.aborted) throw interrupted(signal, error, linkedSoFar)
    throw error instanceof OperatorError ? withDetail(error, linkedState(linkedSoFar)) : error
  }
}

const reconcileById = async (
  client: Queryable,
  { wanted, options }: Work,
  onLinked: (messages: number) => void,
): Promise<LinkedById> => {
  if (wanted === undefined) return { linked: 0, kept: 0 }
  if (options.dryRun) return { linked: (await countById(client, wanted)).linkable, kept: 0 }
  return linkById(client, wanted, onLinked)
}

const reconcileMerged = async (
  client: Queryable,
  { schema, names, merges, options: { dryRun, signal } }: Work,
  onMoved: (messages: number) => void,
): Promise<{ readonly moved: number; readonly locked: number }> => {
  if (!merges) return { moved: 0, locked: 0 }
  if (dryRun) return { moved: await countOfMerged(client, names), locked: 0 }
  const moved = await moveOfMerged(client, { schema, names }, (messages) => {
    signal.throwIfAborted()
    onMoved(messages)
  })
  return { moved, locked: await countOfMerged(client, names) }
}

const NOTHING_WAITS: MessagesById = { linkable: 0, linkableWithoutName: 0, waiting: 0, older: 0 }

/** @param onLinked told how many guests are done, and how many messages are linked so far; may throw */
const reconcileGuests = async (
  client: Queryable,
  { names, wanted, options, byName }: Work,
  onLinked: (guestsDone: number, messages: number) => void,
): Promise<LinkedByName & { readonly guests: number }> => {
  // What a run links by id is not there any more when it comes to the names.
  const except = wanted === undefined || !options.dryRun ? 'false' : linkableByIdSql(wanted)
  let guests = 0
  let sum: LinkedByName = {
    messagesLinked: 0,
    messagesUnverified: 0,
    clientsCreated: 0,
    messagesLeft: 0,
    reasonsLeft: [],
    messagesLocked: 0,
    messagesKept: 0,
  }
  for (let after: string | null = null; ;) {
    const page = await selectGuests(client, names, after, except)
    if (page.length === 0) return { guests, ...sum }
    const { messagesLinked: before } = sum
    sum = add(sum, await byName(client, names, page, (messages) => onLinked(guests, before + messages)))
    guests += page.length
    onLinked(guests, sum.messagesLinked)
    after = page.at(-1)?.written ?? null
  }
}

const linkedState = (messages: number): string => `state: ${messages} messages are linked`

const interrupted = (signal: AbortSignal, cause: unknown, messagesLinked: number): OperatorError =>
  interruptedBy(signal, (ended) => `reconcile was ${ended}`, {
    details: [linkedState(messagesLinked)],
    hint: again('', 'it continues where it stopped'),
    cause,
  })

const MOST_REASONS = 3

const add = (a: LinkedByName, b: LinkedByName): LinkedByName => ({
  messagesLinked: a.messagesLinked + b.messagesLinked,
  messagesUnverified: a.messagesUnverified + b.messagesUnverified,
  clientsCreated: a.clientsCreated + b.clientsCreated,
  messagesLeft: a.messagesLeft + b.messagesLeft,
  reasonsLeft: [...new Set([...a.reasonsLeft, ...b.reasonsLeft])].slice(0, MOST_REASONS),
  messagesLocked: a.messagesLocked + b.messagesLocked,
  messagesKept: a.messagesKept + b.messagesKept,
})

const countWithoutName = async (client: Queryable, { message }: Names): Promise<number> => {
  const { count } = onlyRow(
    await client.query<{ count: number }>(
      `SELECT count(*)::integer AS "count" FROM ${message} WHERE ${UNLINKED} AND "guestUsername" IS NULL`,
    ),
  )
  return count
}
