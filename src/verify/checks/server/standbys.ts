import { escapeIdentifier } from '../../../database/identifier.js'
import { isCopy, type ReplicationState } from '../../../database/replication/replication-state.js'
import {
  describeOthers,
  STANDBYS_AWAITED,
  synchronousState,
  type SynchronousState,
} from '../../../database/replication/synchronous-standbys.js'
import { resetSetting } from '../../../database/reset-setting.js'
import { SqlState } from '../../../database/sql-state.js'
import { or, sql } from '../../../next-step.js'
import { count } from '../../../terminal/render.js'
import type { ServerCheck, ServerSituation } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { commitWaitIn } from '../../facts/server-facts.js'
import { missingOf } from '../../facts/survival.js'
import { finding, type Finding } from '../../finding.js'
import { COMMIT_NOT_REPLICATED, weakerCommit } from './commit-not-replicated.js'

type Code =
  | 'no_synchronous_standby'
  | 'synchronous_standby_missing'
  | 'synchronous_standby_no_copy'
  | 'standbys_not_awaited'
  | 'standbys_hidden'
  | 'commit_not_replicated'

type Named = Extract<SynchronousState, { kind: 'named' }>

const NAMES = 'setting synchronous_standby_names'

/** Does a committed message survive the loss of the server, and does every commit end? */
export const standbys: ServerCheck<Code> = {
  name: 'standbys',
  expectations: ALWAYS,
  needs: {},
  findings: (situation) => {
    const { replication } = situation.server
    // A standby commits nothing, and its primary says who waits for it.
    if (replication.isStandby) return []
    const state = synchronousState(replication)
    return [...attachedFindings(state, situation), ...commitFindings(state, situation)]
  },
  explanations: {
    no_synchronous_standby: {
      title: 'every commit waits for a standby that is not connected',
      severities: ['error'],
      meaning: `Fewer standbys are connected than synchronous_standby_names asks for. A commit is written here, then waits;
        no time-out of PostgreSQL ends that wait. No message is acknowledged, and connections fill up with those that wait.`,
      cause: `A standby was stopped, or connects under another application_name (its primary_conninfo, or its cluster_name).
        The server compares names without regard to case.`,
      remedy: `Start the standby. If it will not come back soon, take it out of synchronous_standby_names and reload: the
        commits that wait end at once, and are then on this server only.`,
    },
    synchronous_standby_missing: {
      title: 'a name in synchronous_standby_names belongs to no standby',
      severities: ['warning'],
      meaning: `Enough standbys are connected for commits to go on, but one that is named is not. When another one stops, every
        commit may wait.`,
      cause: 'The standby is stopped, was removed, or connects under another application_name.',
      remedy: 'Start the standby, or take its name out of the setting and reload.',
    },
    synchronous_standby_no_copy: {
      title: 'a commit waits for what cannot take over',
      severities: ['warning'],
      meaning: `What is attached under a name in synchronous_standby_names confirms a commit, and is no copy of the server: a
        subscriber, which has some tables only, or pg_receivewal, which stores WAL and replays none. When this server is lost, what
        was acknowledged may be on no server that can take over. serve --durability replicated stores no message then.`,
      cause: `A subscription has the name of a standby as its application_name (by default the name of the subscription is used),
        or the setting is *, which stands for every receiver of WAL.`,
      remedy: 'Name standbys only, and reload.',
    },
    standbys_not_awaited: {
      title: 'standbys are connected, and no commit waits for one',
      severities: ['note'],
      meaning: `Replication is asynchronous: a failover loses what was acknowledged and had not reached the standby that is
        promoted. The finding says how much that is now; it grows with the lag.`,
      cause: 'synchronous_standby_names is empty, which is the default.',
      remedy: `If a failover must lose nothing, name a standby (with Patroni: synchronous_mode), better one of two (ANY 1 (a, b)),
        so that commits go on when one stops. Else keep a recording, and compare after a failover: chatkeep replay
        --check-only finds what is missing, chatkeep replay saves it.`,
    },
    standbys_hidden: {
      title: 'this role may not see which standbys are waited for',
      severities: ['warning'],
      meaning: `synchronous_standby_names is set, and a role without pg_read_all_stats does not see whether those that are
        connected are the ones. What an acknowledged message survives is unknown; the exit code is 3, unless another finding
        makes it 1.`,
      cause: 'The role is an ordinary one.',
      remedy: 'Grant pg_read_all_stats (or pg_monitor) to the role that runs chatkeep verify.',
    },
    commit_not_replicated: COMMIT_NOT_REPLICATED,
  },
}

const attachedFindings = (
  state: SynchronousState,
  { server, applicationRole }: ServerSituation,
): readonly Finding<Code>[] => {
  const { replication, user } = server
  if (state.kind === 'nobody') return notAwaited(replication)
  if (state.kind === 'hidden') return [hidden(user)]
  const { needed, attached, missing } = state
  const setting = JSON.stringify(replication.standbyNames)
  if (attached < needed && commitWaitIn(server, applicationRole?.role) !== 'none')
    return [
      finding('error', 'no_synchronous_standby', {
        object: NAMES,
        expected: `${needed === 1 ? 'a connected standby' : `${needed} connected standbys`} of ${setting}`,
        actual: `${attached === 0 ? 'none' : `only ${attached}`} is connected: every commit waits`,
        help: STANDBYS_AWAITED,
      }),
    ]
  return [...noCopy(state, setting), ...missingNames(missing, setting)]
}

const noCopy = (state: Named, setting: string): readonly Finding<Code>[] =>
  state.copies > 0
    ? []
    : [
        finding('warning', 'synchronous_standby_no_copy', {
          object: NAMES,
          expected: 'standbys only',
          actual: `${setting}: ${describeOthers(state)}`,
          help: 'name standbys only in synchronous_standby_names, and reload',
        }),
      ]

const missingNames = (missing: readonly string[], setting: string): readonly Finding<Code>[] => {
  if (missing.length === 0) return []
  return [
    finding('warning', 'synchronous_standby_missing', {
      object: NAMES,
      expected: `a connected standby for each name in ${setting}`,
      actual: `none is connected as ${missing.map((name) => JSON.stringify(name)).join(', ')}`,
      help: ['start it', or('take the name out of synchronous_standby_names, and reload')],
    }),
  ]
}

const notAwaited = (replication: ReplicationState): readonly Finding<Code>[] => {
  const copies = replication.standbys.filter(isCopy)
  if (copies.length === 0) return []
  return [
    finding('note', 'standbys_not_awaited', {
      object: NAMES,
      expected: 'a standby, where a failover must lose nothing',
      actual: `empty: ${count(copies.length, 'standby')} connected; a failover now would lose ${missingOf(copies)}`,
      help: sql(
        [`ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (${namesOf(copies)})'`, 'SELECT pg_reload_conf()'],
        'if a commit may wait for a standby',
      ),
    }),
  ]
}

const namesOf = (copies: ReplicationState['standbys']): string =>
  [...new Set(copies.map(({ name }) => escapeIdentifier(name).replaceAll("'", "''")))].join(', ')

const hidden = (user: string): Finding<Code> => ({
  ...finding('warning', 'standbys_hidden', {
    object: NAMES,
    expected: 'to see which standbys are waited for',
    actual: `unknown: the role ${user} may not see it`,
    help: sql(`GRANT pg_read_all_stats TO ${escapeIdentifier(user)}`, 'as an administrator'),
  }),
  isUnknown: true,
  sqlState: SqlState.insufficientPrivilege,
})

const commitFindings = (
  state: SynchronousState,
  { database, server: { synchronousCommit, user } }: ServerSituation,
): readonly Finding<Code>[] => {
  const { value, source } = synchronousCommit
  const weaker = weakerCommit(value)
  if (state.kind === 'nobody' || weaker === undefined) return []
  return [
    finding(weaker.severity, 'commit_not_replicated', {
      object: 'setting synchronous_commit',
      expected: 'on',
      actual: `${value} (${source}): ${weaker.consequence}`,
      help: resetSetting({ name: 'synchronous_commit', source, wanted: 'on', database, role: user }),
    }),
  ]
}
