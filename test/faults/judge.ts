import { bodyOf } from './bodies.js'
import { Answered, type Account } from './books.js'
import type { Broadcasts } from './broadcasts.js'
import { bytes, createColumn, type Column } from './column.js'
import { numberOf } from './crowd.js'
import { storable, storedName } from './people.js'

/** A row as it was read back. */
export interface StoredRow {
  readonly id: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly key: string | null
  readonly senderType: string
  readonly messageType: string
  readonly text: string | null
  readonly imageUrl: string | null
  readonly imageName: string | null
  readonly mimeType: string | null
  readonly guestUsername: string | null
  readonly guestPhone: string | null
  readonly sessionId: string | null
  readonly operatorId: number | null
  readonly clientId: number | null
  readonly clientUsername: string | null
}

/** Somebody with an account, and what must stand beside every message of it. */
export interface Writer {
  readonly account: Account
  /** What stands before the `/` of its keys: a conversation, or an operator. */
  readonly scope: string
  readonly name: string
  readonly phone: string | undefined
  readonly operatorId: number | null
}

export const FINDINGS = ['lost', 'doubled', 'altered', 'reordered', 'unexpected', 'unreachable', 'misreported'] as const
export type FindingKind = (typeof FINDINGS)[number]

export interface Finding {
  readonly kind: FindingKind
  /** Index of the fault in which the message was under way; 0 is none. */
  readonly fault: number
  readonly key: string
  readonly what: string
}

export interface Judge {
  readonly take: (row: StoredRow) => void
  /** Says what is wrong, when all rows were taken. */
  readonly finish: () => void
  readonly rows: () => number
}

export interface JudgeOptions {
  readonly seed: number
  readonly writers: readonly Writer[]
  readonly broadcasts: Broadcasts
  /** By id: whether the server shows the message to whom it concerns. */
  readonly reached: Column
  readonly report: (finding: Finding) => void
}

/** Compares every row with what was sent, without remembering either. */
export const createJudge = ({ seed, writers, broadcasts, reached, report }: JudgeOptions): Judge => {
  const byScope = new Map(writers.map((writer) => [writer.scope, writer]))
  const bySender = new Map(writers.map((writer) => [writer.account.sender, writer]))
  const isStored = createColumn(bytes)
  let rows = 0

  const take = (row: StoredRow): void => {
    rows += 1
    isStored.set(row.id, 1)
    const slash = row.key?.lastIndexOf('/') ?? -1
    const writer = byScope.get(row.key?.slice(0, slash) ?? '')
    const number = numberOf(row.key?.slice(slash + 1) ?? '')
    if (writer === undefined || !(number < writer.account.begun)) {
      report({ kind: 'unexpected', fault: 0, key: row.key ?? 'no key', what: `row ${row.id} is nobody's message` })
      return
    }
    const { account } = writer
    const fault = account.fault.get(number)
    const say = (kind: FindingKind, what: string): void =>
      report({ kind, fault, key: row.key ?? '', what: `row ${row.id} ${what}` })
    if (account.rowId.get(number) !== 0) say('doubled', `stands beside row ${account.rowId.get(number)}`)
    account.rowId.set(number, row.id)
    account.rowAt.set(number, row.at)
    const differing = differences(row, expected(writer, number))
    if (differing.length > 0) say('altered', `differs in ${differing.join(', ')}`)
    if (account.answered.get(number) === Answered.refused) say('unexpected', 'was refused for good, and is there')
    const acknowledgedId = account.acknowledgedId.get(number)
    if (acknowledgedId !== 0 && acknowledgedId !== row.id) say('altered', `was acknowledged as ${acknowledgedId}`)
    if (reached.get(row.id) === 0) say('unreachable', 'is in no history')
    const content = { conversation: row.sessionId ?? '', text: row.text, image: row.imageUrl }
    if (!broadcasts.agreesWith(row.id, content)) say('misreported', 'was told to others with another content')
  }

  const expected = ({ account, scope, name, phone, operatorId }: Writer, number: number): Partial<StoredRow> => {
    const body = bodyOf(seed, account.sender, number)
    const recipient = account.role === 'client' ? undefined : bySender.get(account.recipient.get(number))
    const guestUsername = storedName(recipient?.name ?? name)
    return {
      senderType: account.role === 'client' ? 'CLIENT' : 'OPERATOR',
      messageType: body.type === 'text' ? 'TEXT' : 'IMAGE',
      text: body.type === 'text' ? storable(body.message) : null,
      imageUrl: body.type === 'image' ? body.image : null,
      imageName: body.type === 'image' ? body.name : null,
      mimeType: body.type === 'image' ? body.mimeType : null,
      guestUsername,
      clientUsername: guestUsername,
      sessionId: recipient?.scope ?? scope,
      operatorId,
      ...(account.role === 'client' ? { guestPhone: phone ?? null } : {}),
    }
  }

  const finish = (): void => {
    for (const { account, scope } of writers) judgeAccount(account, scope, report)
    for (let id = 1; id <= broadcasts.largestId(); id += 1) {
      if (!broadcasts.wasHeard(id) || isStored.get(id) === 1) continue
      report({
        kind: 'misreported',
        fault: 0,
        key: 'unknown',
        what: `message ${id} was told to others and is not stored`,
      })
    }
  }

  return { take, finish, rows: () => rows }
}

const differences = (row: StoredRow, wanted: Partial<StoredRow>): readonly string[] =>
  Object.entries(wanted)
    .filter(([column, value]) => row[column as keyof StoredRow] !== value)
    .map(([column]) => column)

/** Finds what is missing, and what stands in another order than it was sent in, as a history shows it. */
const judgeAccount = (account: Account, scope: string, report: (finding: Finding) => void): void => {
  let last: number | undefined
  for (let number = 0; number < account.begun; number += 1) {
    const [id, at] = [account.rowId.get(number), account.rowAt.get(number)]
    const answered = account.answered.get(number)
    const say = (kind: FindingKind, what: string): void =>
      report({ kind, fault: account.fault.get(number), key: `${scope}/m${number}`, what })
    if (id === 0) {
      if (answered === Answered.stored) say('lost', `was acknowledged as ${account.acknowledgedId.get(number)}`)
      if (answered === Answered.queued) say('lost', 'was acknowledged as queued')
      continue
    }
    if (last !== undefined && isBefore(at, id, account.rowAt.get(last), account.rowId.get(last))) {
      say('reordered', `row ${id} comes before row ${account.rowId.get(last)} of message ${last}`)
    }
    last = number
  }
}

const isBefore = (at: number, id: number, otherAt: number, otherId: number): boolean =>
  at < otherAt || (at === otherAt && id < otherId)
