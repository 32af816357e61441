import type { ChatStore, NewChatMessage, SavedChatMessage } from '../../src/index.js'
import { OperatorError } from '../../src/index.js'
import { expect } from './database.js'

/** Messages by key, each with the answer that acknowledged it. */
export type Acknowledged = ReadonlyMap<string, { readonly message: NewChatMessage; readonly saved: SavedChatMessage }>

export interface LoadOptions {
  readonly callers: number
  /** Callers without a number send until the work is done. */
  readonly messagesEach?: number
  /** Further fields of a caller's messages; by default each caller is a guest of its own. */
  readonly sender?: (caller: number) => Partial<NewChatMessage>
}

/** Callers that send one message after the other, each with its own key until it is acknowledged. */
export interface Load {
  readonly acknowledged: Acknowledged
  /** Number of calls that failed with a retryable error; each was retried. */
  readonly failures: () => number
  /** Resolves when every caller has sent all its messages; rejects with the first error that is not retryable. */
  readonly finished: Promise<void>
}

/**
 * Lets callers send through a store while the work goes on. Afterwards each finishes its last message.
 * @throws the first error of a call that is not retryable, else the error of the work
 */
export const withLoad = async (
  store: ChatStore,
  { callers, messagesEach = Infinity, sender = (caller) => ({ guestUsername: `guest ${caller}` }) }: LoadOptions,
  work: (load: Load) => Promise<unknown> = ({ finished }) => finished,
): Promise<Load> => {
  const acknowledged = new Map<string, { message: NewChatMessage; saved: SavedChatMessage }>()
  let failures = 0
  let state: 'sending' | 'finishing' | 'broken off' = 'sending'

  const saveAtLast = async (message: NewChatMessage): Promise<SavedChatMessage> => {
    for (;;) {
      try {
        return await store.saveChatMessage(message)
      } catch (error) {
        if (!(error instanceof OperatorError && error.retryable) || state === 'broken off') throw error
        failures += 1
      }
    }
  }
  const call = async (caller: number): Promise<void> => {
    for (let n = 0; n < messagesEach && state === 'sending'; n += 1) {
      const key = `${caller}:${n}`
      const message = { ...textMessage(`message ${n} of caller ${caller}`), idempotencyKey: key, ...sender(caller) }
      acknowledged.set(key, { message, saved: await saveAtLast(message) })
    }
  }
  const finished = Promise.all(Array.from({ length: callers }, (_, caller) => call(caller))).then(() => undefined)
  const load: Load = { acknowledged, failures: () => failures, finished }
  const worked = work(load).then(
    () => (state = 'finishing'),
    (error: unknown) => {
      state = 'broken off'
      throw error
    },
  )
  const [calls, works] = await Promise.allSettled([finished, worked])
  if (works.status === 'rejected' && isBrokenOff(calls)) throw works.reason
  if (calls.status === 'rejected') throw calls.reason
  if (works.status === 'rejected') throw works.reason
  return load
}

// Its error is then a retryable one, and says nothing about why the work failed.
const isBrokenOff = (calls: PromiseSettledResult<void>): boolean =>
  calls.status === 'rejected' && calls.reason instanceof OperatorError && calls.reason.retryable

/** A client's text message: all required fields but the client or guest. */
export const textMessage = (text: string) => ({ senderType: 'CLIENT', messageType: 'TEXT', text }) as const

/** Any connection to the database. */
export interface Rows {
  query(sql: string): Promise<Record<string, unknown>[]>
}

/** What is wrong with the table, by key; the texts of all messages must differ. */
export interface Damage {
  /** Acknowledged, and not there. */
  readonly lost: readonly string[]
  /** There with another id, text or guest's name than was acknowledged. */
  readonly altered: readonly string[]
  /** Keys and texts that are there more than once. */
  readonly doubled: readonly string[]
  /** There, but never acknowledged. */
  readonly unacknowledged: readonly string[]
}

/** Compares the whole table with what was acknowledged. */
export const findDamage = async (database: Rows, acknowledged: Acknowledged): Promise<Damage> => {
  const rows = await database.query(
    'SELECT "id", "idempotencyKey" AS "key", "text", "guestUsername" FROM "ChatMessage" ORDER BY "id"',
  )
  const byKey = new Map(rows.map((row) => [String(row.key), row]))
  const isAltered = ([key, { message, saved }]: [string, { message: NewChatMessage; saved: SavedChatMessage }]) => {
    const row = byKey.get(key)
    const expected = [saved.id, message.text, message.guestUsername ?? null]
    return row !== undefined && [row.id, row.text, row.guestUsername].some((value, n) => value !== expected[n])
  }
  return {
    lost: [...acknowledged.keys()].filter((key) => !byKey.has(key)),
    altered: [...acknowledged].filter(isAltered).map(([key]) => key),
    doubled: [...repeated(rows.map(({ key }) => String(key))), ...repeated(rows.map(({ text }) => String(text)))],
    unacknowledged: [...byKey.keys()].filter((key) => !acknowledged.has(key)),
  }
}

const repeated = (values: readonly string[]): readonly string[] => {
  const seen = new Set<string>()
  return values.filter((value) => seen.size === seen.add(value).size)
}

/** Expects each acknowledged message to be there once, as it was sent, and no other message. */
export const expectKeptOnce = async (database: Rows, acknowledged: Acknowledged): Promise<void> => {
  expect(await findDamage(database, acknowledged)).toEqual({ lost: [], altered: [], doubled: [], unacknowledged: [] })
}
