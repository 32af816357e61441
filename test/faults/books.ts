import type { RowIdOf } from '../support/row-ids.js'
import { bytes, createColumn, doubles, shorts, words, type Column } from './column.js'

/** What its sender was told of a message. */
export const Answered = { nothing: 0, queued: 1, stored: 2, refused: 3 } as const

/** One guest's or operator's messages by their number; texts are not kept, since they can be made again. */
export interface Account {
  readonly sender: number
  readonly role: 'client' | 'operator'
  /** How many it has begun to send. */
  begun: number
  /** Whether its newest message is still under way. */
  isWaiting: boolean
  readonly answered: Column
  /** In which fault it was under way; the first of them is "none". */
  readonly fault: Column
  /** Attempts that nobody answered. */
  readonly unanswered: Column
  readonly attempts: Column
  /** The id that the acknowledgement named; 0 for one that was only queued. */
  readonly acknowledgedId: Column
  /** For operators: the guest to whom it went. */
  readonly recipient: Column
  /** What was read back: id and microseconds since 1970; 0 when there was no row. */
  readonly rowId: Column
  readonly rowAt: Column
}

export const createAccount = (sender: number, role: Account['role']): Account => ({
  sender,
  role,
  begun: 0,
  isWaiting: false,
  answered: createColumn(bytes),
  fault: createColumn(bytes),
  unanswered: createColumn(bytes),
  attempts: createColumn(bytes),
  acknowledgedId: createColumn(words),
  recipient: createColumn(shorts),
  rowId: createColumn(words),
  rowAt: createColumn(doubles),
})

const MOST_COUNTED = 255

export const countUp = (column: Column, number: number): void => {
  column.set(number, Math.min(column.get(number) + 1, MOST_COUNTED))
}

/** Who writes, and in which fault. */
export interface Books {
  readonly accounts: readonly Account[]
  readonly open: (role: Account['role']) => Account
  /** Everything under way, and what begins from now on, belongs to this fault; 0 is none. */
  readonly enter: (fault: number) => void
  readonly begin: (account: Account, recipient?: number) => number
  /** Messages that were acknowledged, queued ones included. */
  readonly acknowledged: () => number
  readonly settle: (account: Account, number: number, answer: Settlement) => void
  /** Why messages were refused for good. */
  readonly refusals: readonly string[]
}

export type Settlement =
  /** With the id of the row, or what a guest is told instead. */
  | { readonly kind: 'stored'; readonly id: number | string }
  | { readonly kind: 'queued' }
  | { readonly kind: 'refused'; readonly reason: string }

const MOST_REFUSALS = 20

export const createBooks = (rowIdOf: RowIdOf): Books => {
  const accounts: Account[] = []
  const refusals: string[] = []
  let current = 0
  let acknowledged = 0
  return {
    accounts,
    refusals,
    open: (role) => {
      const account = createAccount(accounts.length, role)
      accounts.push(account)
      return account
    },
    enter: (fault) => {
      current = fault
      if (fault === 0) return
      for (const { isWaiting, fault: faults, begun } of accounts) if (isWaiting) faults.set(begun - 1, fault)
    },
    begin: (account, recipient = 0) => {
      const number = account.begun
      account.begun += 1
      account.isWaiting = true
      account.fault.set(number, current)
      account.recipient.set(number, recipient)
      return number
    },
    acknowledged: () => acknowledged,
    settle: (account, number, answer) => {
      account.isWaiting = false
      account.answered.set(number, Answered[answer.kind])
      if (answer.kind === 'stored') account.acknowledgedId.set(number, rowIdOf(answer.id))
      if (answer.kind !== 'refused') acknowledged += 1
      else if (refusals.length < MOST_REFUSALS) {
        refusals.push(`message ${number} of ${account.role} ${account.sender}: ${answer.reason}`)
      }
    },
  }
}
