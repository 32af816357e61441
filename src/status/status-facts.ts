import { describeBlocker, type Blocker } from '../database/blockers.js'
import { describeServerRole } from '../database/replication/describe-server-role.js'
import type { Standby } from '../database/replication/replication-state.js'
import type { BlockingSession, Waiter } from '../database/waiting/blocking-sessions.js'
import { describeSteps } from '../next-step.js'
import { describeAge } from '../terminal/age.js'
import { count } from '../terminal/render.js'
import type { VerifyReport } from '../verify/verify-report.js'
import { RECENT_MINUTES, type Capped, type ChatActivity } from './chat-activity.js'
import type { ChatServer } from './chat-servers.js'
import { describeLocks, namesOf, wayToEnd } from './blocking-problem.js'
import type { Status } from './read-status.js'
import { isKnown, type Reading } from './reading.js'
import type { Section } from './render-section.js'
import type { ServerActivity } from './server-activity.js'

/** The sections of a screen. @param most how much of its lists it shows; 0 where space is short */
export const sectionsOf = (
  { server, chat, update, chatServers, unreachable }: Status,
  most: number,
): readonly Section[] => {
  const blocking = isKnown(server) ? server.value.blocking : []
  return [
    { label: 'chat', facts: factsOf(chat, chatFacts) },
    {
      label: 'database',
      facts: unreachable === undefined ? factsOf(server, (known) => serverFacts(known, most)) : ['unreachable'],
    },
    ...blocking.slice(0, most).map((session) => ({ label: 'lock', facts: lockFacts(session, most) })),
    { label: 'update', facts: factsOf(update, updateFacts) },
    {
      label: 'servers',
      facts: serversFacts(chatServers, factsOf(server, sessionFacts), Math.max(1, most)),
    },
  ]
}

const factsOf = <T>(reading: Reading<T>, describe: (value: T) => readonly string[]): readonly string[] =>
  isKnown(reading) ? describe(reading.value) : [`unknown: ${reading.unknown}`]

/** What the messages say, fact by fact. */
export const chatFacts = (activity: ChatActivity): readonly string[] => {
  const { lastMessageS, recent, yesterday, lastWeek, unread, unansweredS, isUnansweredCapped } = activity
  return [
    lastMessageS === null ? 'no message yet' : `last message ${describeAge(lastMessageS)} ago`,
    `${rate(recent, RECENT_MINUTES)} a minute (yesterday ${rate(yesterday, 60)}, last week ${rate(lastWeek, 60)})`,
    `${unread.isCapped ? 'more than ' : ''}${unread.count.toLocaleString('en-US')} unread`,
    ...(unansweredS === null
      ? []
      : [`oldest unanswered ${isUnansweredCapped ? 'at least ' : ''}${describeAge(unansweredS)}`]),
  ]
}

const rate = ({ count: known, isCapped }: Capped, minutes: number): string => {
  const perMinute = known / minutes
  return `${isCapped ? 'over ' : ''}${perMinute.toFixed(perMinute >= 100 || perMinute === 0 ? 0 : 1)}`
}

const serverFacts = (
  server: ServerActivity & { readonly blocking: readonly BlockingSession[] },
  most: number,
): readonly string[] => {
  const { version, standbys, connections, oldestTransaction, blocking, isHidden } = server
  const { used, allowed, limitOf } = connections
  const waiting = blocking.reduce((sum, session) => sum + session.waiting, 0)
  return [
    `PostgreSQL ${version} ${describeServerRole(server)}`,
    `${used} of ${allowed} connections${limitOf === 'database' ? ' of this database' : ''}`,
    ...standbys.slice(0, most).map(describeStandby),
    ...more(standbys.length - most, 'standby', 'standbys'),
    ...(server.waitingForStandby === 0 ? [] : [`${count(server.waitingForStandby, 'commit')} waiting for a standby`]),
    ...(oldestTransaction === null
      ? isHidden
        ? []
        : ['no open transaction']
      : [`oldest transaction: ${describeOldest(oldestTransaction, most === 0 ? 'short' : blocking)}`]),
    waiting === 0 ? 'nobody waits for a lock' : `${count(waiting, 'session')} waiting for locks`,
    ...(isHidden && most > 0 ? ['sessions of other roles are hidden: GRANT pg_read_all_stats shows them'] : []),
  ]
}

// The line about a lock has the rest.
const describeOldest = (oldest: Blocker, blocking: readonly BlockingSession[] | 'short'): string =>
  oldest.pid !== 0 && (blocking === 'short' || blocking.some(({ blocker: { pid } }) => pid === oldest.pid))
    ? `pid ${oldest.pid}, for ${describeAge(oldest.transactionS ?? 0)}`
    : describeBlocker(oldest)

const describeStandby = ({ name, isSynchronous, isSubscriber, isArchiver, lagS }: Standby): string =>
  `${isSubscriber ? 'subscriber' : isArchiver ? 'WAL receiver' : 'standby'} ${name}${isSynchronous ? ' (synchronous)' : ''}${lagS === null ? '' : ` ${describeAge(lagS)} behind`}`

const lockFacts = (session: BlockingSession, most: number): readonly string[] => {
  const { blocker, waiting, waiters } = session
  const [first, ...others] = waiters.slice(0, most).map(describeWaiter)
  return [
    [describeBlocker(blocker), ...whatItHolds(session)].join(' '),
    ...(first === undefined ? [] : [`blocks ${count(waiting, 'session')}: ${first}`, ...others]),
    ...more(waiting - others.length - 1),
    describeSteps(wayToEnd(blocker)),
  ]
}

const whatItHolds = (session: BlockingSession): readonly string[] => {
  if (session.tables.length > 0) return [describeLocks(session)]
  return session.rowsOf.length > 0 ? [`may have locked rows of ${namesOf(session.rowsOf)}`] : []
}

const describeWaiter = ({ pid, user, application, waitedS }: Waiter): string => {
  const facts = [application, user === null ? null : `as ${user}`].filter((fact) => fact !== null)
  return `pid ${pid} (${[...facts, `for ${describeAge(waitedS ?? 0)}`].join(', ')})`
}

const more = (hidden: number, noun = '', nouns = noun): readonly string[] =>
  hidden <= 0 ? [] : [`and ${hidden} more ${hidden === 1 ? noun : nouns}`.trimEnd()]

const updateFacts = ({ ok, skipped, summary }: VerifyReport): readonly string[] => {
  const { errors, warnings, checks, unknown } = summary
  return [
    ok
      ? `complete: ${count(checks - skipped.length, 'check')}`
      : errors === 0
        ? 'perhaps complete'
        : 'not as it should be',
    ...(unknown === 0 ? [] : [`${count(unknown, 'check')} without result`]),
    count(errors, 'error'),
    count(warnings, 'warning'),
    ...(skipped.length === 0 ? [] : [`${skipped.length} skipped`]),
  ]
}

const serversFacts = (asked: readonly ChatServer[], sessions: readonly string[], most: number): readonly string[] => {
  const notReadyFirst = asked.toSorted((a, b) => Number(a.isReady) - Number(b.isReady))
  const facts = [...notReadyFirst.map(describeServer), ...sessions]
  return [...facts.slice(0, most), ...more(facts.length - most)]
}

const sessionFacts = ({ servers }: ServerActivity): readonly string[] =>
  servers.length === 0
    ? ['no chat server is connected']
    : servers.map(
        ({ address, sessions }) =>
          `${count(sessions, 'session')} of a chat server${address === null ? '' : ` on ${address}`}`,
      )

const describeServer = ({ url, isReady, isQueueing, reason, journalled }: ChatServer): string =>
  [
    `${url} ${stateOf(isReady, isQueueing)}${reason === null ? '' : ` (${reason})`}`,
    ...(journalled === null ? [] : [`${count(journalled, 'message')} in its journal`]),
  ].join(', ')

const stateOf = (isReady: boolean, isQueueing: boolean): string => {
  if (isQueueing) return 'keeps new messages in its journal'
  return isReady ? 'is ready' : 'is not ready'
}
