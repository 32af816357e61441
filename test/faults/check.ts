import { Answered, type Account } from './books.js'
import { operatorSender } from '../../src/persistence/keys/key-scope.js'
import { createFindings, type Findings } from '../../src/replay/checking/findings.js'
import type { Person } from './crowd.js'
import { createJudge, FINDINGS, type Finding, type FindingKind, type Writer } from './judge.js'
import { OPERATORS } from './people.js'
import { findUnlisted, readHistories } from './reach.js'
import { readRows } from './read-rows.js'
import type { Stage } from './stage.js'

/** What became of the messages of one fault. */
export interface Tally {
  messages: number
  ok: number
  queued: number
  /** Sent more than once, because an attempt had no answer or a passing refusal. */
  repeated: number
  fail: number
  /** Never answered. */
  info: number
  readonly found: Record<FindingKind, number>
}

export interface Check {
  readonly rows: number
  /** By the index of the fault; the first is that of no fault. */
  readonly tallies: readonly Tally[]
  readonly findings: Findings<Finding>
}

/** Reads everything back, over the sockets and past them, and compares it with the books. */
export const check = async (stage: Stage, faults: number): Promise<Check> => {
  const { seed, crowd, books, broadcasts, database, complain } = stage
  const tallies = Array.from({ length: faults + 1 }, emptyTally)
  const findings = createFindings<Finding>()
  const report = (finding: Finding): void => {
    const tally = tallies[finding.fault]
    if (tally !== undefined) tally.found[finding.kind] += 1
    findings.add(finding)
  }
  const reached = await readHistories(stage)
  for (const name of await findUnlisted(stage)) complain(`the recent chats lack ${JSON.stringify(name)}`)
  const writers = [...crowd.guests.map(guestWriter), ...crowd.operators.map(operatorWriter)]
  const judge = createJudge({ seed, writers, broadcasts, reached, report })
  await readRows(database, judge.take)
  judge.finish()
  for (const account of books.accounts) countAccount(account, tallies)
  await checkClients(stage)
  return { rows: judge.rows(), tallies, findings: findings.result() }
}

const emptyTally = (): Tally => ({
  messages: 0,
  ok: 0,
  queued: 0,
  repeated: 0,
  fail: 0,
  info: 0,
  found: Object.fromEntries(FINDINGS.map((kind) => [kind, 0])) as Record<FindingKind, number>,
})

const guestWriter = ({ account, client, name, phone }: Person): Writer => ({
  account,
  scope: client.clientId ?? '',
  name,
  phone,
  operatorId: null,
})

const operatorWriter = ({ account, name, phone }: Person, index: number): Writer => {
  const operatorId = index === OPERATORS - 1 ? null : index + 1
  return { account, scope: operatorSender({ operatorId, name }), name, phone, operatorId }
}

const countAccount = (account: Account, tallies: readonly Tally[]): void => {
  for (let number = 0; number < account.begun; number += 1) {
    const tally = tallies[account.fault.get(number)]
    if (tally === undefined) continue
    const answered = account.answered.get(number)
    tally.messages += 1
    if (answered === Answered.stored || answered === Answered.queued) tally.ok += 1
    if (answered === Answered.queued) tally.queued += 1
    if (answered === Answered.refused) tally.fail += 1
    if (answered === Answered.nothing) tally.info += 1
    if (account.attempts.get(number) > 1) tally.repeated += 1
  }
}

const NAMES_WITH_CLIENTS = `
  SELECT "username", count(*)::integer AS "count" FROM "Client" GROUP BY 1 HAVING count(*) > 1`

const checkClients = async ({ database, complain }: Stage): Promise<void> => {
  for (const { username, count } of await database.administer(NAMES_WITH_CLIENTS)) {
    complain(`${String(count)} clients have the name ${JSON.stringify(username)}`)
  }
}
