import { describeBlocker } from '../database/blockers.js'
import { areNearlyUsed, freeConnections } from '../database/pools/connections-used.js'
import { SEE_STANDBYS, STANDBYS_AWAITED, synchronousState } from '../database/replication/synchronous-standbys.js'
import { psql } from '../next-step.js'
import { describeAge } from '../terminal/age.js'
import { count } from '../terminal/render.js'
import { fitLine } from '../terminal/wrap.js'
import { blockingProblem, wayToEnd } from './blocking-problem.js'
import type { ChatActivity } from './chat-activity.js'
import type { ChatServer } from './chat-servers.js'
import { error, warning, type Problem } from './problem.js'
import type { Status } from './read-status.js'
import { valueOf } from './reading.js'
import type { ServerActivity } from './server-activity.js'
import { isLockedOut, unknownProblems } from './unknown-problem.js'

const OLD_TRANSACTION_S = 15 * 60
const BEHIND_S = 30
const UNANSWERED_S = 15 * 60
/** A minute; an hour with fewer may be silent by chance. */
const BUSY_PER_MINUTE = 0.5

const SEVERITIES = ['error', 'unknown', 'warning'] as const

/** What is wrong, the most urgent first: what stops messages now, then what soon will, then what is only slow. */
export const problemsOf = (status: Status): readonly Problem[] => {
  const server = valueOf(status.server)
  const chat = valueOf(status.chat)
  const blocking = server?.blocking ?? []
  const all = [
    ...unreachableProblem(status),
    ...blocking.flatMap((session) => blockingProblem(session, isLockedOut(status))),
    ...(server === undefined ? [] : [...standbyWaits(server), ...connectionProblem(server)]),
    ...status.chatServers.flatMap(chatServerProblems),
    ...updateProblem(status),
    ...unknownProblems(
      status,
      blocking.some(({ stopsReads }) => stopsReads),
    ),
    ...(chat === undefined ? [] : chatProblems(chat)),
    ...(server === undefined ? [] : [...behindProblem(server), ...oldTransaction(server)]),
  ]
  return all.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity))
}

const unreachableProblem = ({ unreachable }: Status): readonly Problem[] =>
  unreachable === undefined ? [] : [error(unreachable.message, unreachable.next, unreachable.exitCode)]

const standbyWaits = ({ waitingForStandby, ...server }: ServerActivity): readonly Problem[] => {
  if (waitingForStandby === 0) return []
  const state = synchronousState(server)
  const text = `${count(waitingForStandby, 'commit')} wait${waitingForStandby === 1 ? 's' : ''} for a synchronous standby`
  return [
    state.kind === 'named' && state.attached < state.needed
      ? error(`${text}, and ${tooFew(state)} connected`, STANDBYS_AWAITED)
      : warning(text, psql(SEE_STANDBYS, 'see what it is slow at')),
  ]
}

const tooFew = ({ attached, needed }: { readonly attached: number; readonly needed: number }): string =>
  attached === 0 ? 'none is' : `only ${attached} of ${needed} ${attached === 1 ? 'is' : 'are'}`

const connectionProblem = ({ connections }: ServerActivity): readonly Problem[] => {
  const { used, allowed, limitOf } = connections
  const where = limitOf === 'database' ? 'of this database ' : ''
  return areNearlyUsed(connections)
    ? [warning(`${used} of ${allowed} connections ${where}are in use`, freeConnections(connections))]
    : []
}

const chatServerProblems = ({ url, isReady, isQueueing, reason, journalled }: ChatServer): readonly Problem[] => {
  const waiting = journalled ?? 0
  const inJournal = `${count(waiting, 'message')} ${waiting === 1 ? 'waits' : 'wait'} in the journal of ${url}`
  return [
    ...(isReady ? [] : [error(`${url} is not ready: ${reason ?? ''}`, 'read its log')]),
    ...(isQueueing ? [warning(`${inJournal}, and new ones go there: ${reason ?? ''}`, 'read its log')] : []),
    ...(waiting === 0 || isQueueing
      ? []
      : [warning(inJournal, 'nothing: they are stored when the database accepts them')]),
  ]
}

/** Of a finding that lists much, the beginning. */
const MOST_CHARACTERS = 120

const updateProblem = ({ update }: Status): readonly Problem[] => {
  const report = valueOf(update)
  const first = report?.findings.find(({ isUnknown }) => isUnknown !== true)
  if (report === undefined || first === undefined || first.severity === 'note') return []
  const { errors, warnings } = report.summary
  const found = errors === 0 ? count(warnings, 'warning') : count(errors, 'error')
  const text = fitLine(`verify finds ${found}: ${first.code}: ${first.object}: ${first.actual}`, MOST_CHARACTERS)
  const next = report.next ?? first.help
  return [first.severity === 'error' ? error(text, next) : warning(text, next)]
}

const chatProblems = (chat: ChatActivity): readonly Problem[] => {
  const { lastMessageS, recent, yesterday, lastWeek, unansweredTodayS } = chat
  const usual = Math.min(yesterday.count, lastWeek.count) / 60
  const isSilent = recent.count === 0 && usual >= BUSY_PER_MINUTE && lastMessageS !== null
  return [
    ...(isSilent
      ? [
          warning(
            `no message for ${describeAge(lastMessageS)}, where there are usually ${usual.toFixed(1)} a minute`,
            'look at the chat servers: /readyz, and their logs',
          ),
        ]
      : []),
    ...((unansweredTodayS ?? 0) < UNANSWERED_S
      ? []
      : [
          warning(
            `a message has had no answer for ${describeAge(unansweredTodayS ?? 0)}`,
            'see whether an operator is online',
          ),
        ]),
  ]
}

const behindProblem = ({ behindS, isDetached, standbys }: ServerActivity): readonly Problem[] => {
  if (isDetached) return [warning('this standby has lost its primary', 'start the primary, or promote this standby')]
  const [slowest] = standbys
  const lagS = behindS ?? slowest?.lagS ?? 0
  if (lagS < BEHIND_S) return []
  const who = behindS === null ? `the standby ${slowest?.name ?? ''}` : 'this standby'
  return [warning(`${who} is ${describeAge(lagS)} behind`, psql(SEE_STANDBYS, 'on the primary, see why'))]
}

const oldTransaction = ({ oldestTransaction }: ServerActivity): readonly Problem[] =>
  oldestTransaction === null || (oldestTransaction.transactionS ?? 0) < OLD_TRANSACTION_S
    ? []
    : [warning(`${describeBlocker(oldestTransaction)} holds back vacuum and migrate`, wayToEnd(oldestTransaction))]
