import type { Queryable } from '../connection.js'
import { onlyRow } from '../rows.js'
import { STANDBYS, type ReplicationState } from './replication-state.js'
import { commitWaitOf } from './commit-wait.js'
import { describeOthers, synchronousState, type SynchronousState } from './synchronous-standbys.js'

/** What a commit of this session waits for. */
export interface CommitState extends Pick<ReplicationState, 'standbyNames' | 'standbys'> {
  readonly synchronousCommit: string
}

const SELECT_COMMIT_STATE = `
  SELECT current_setting('synchronous_commit') AS "synchronousCommit",
    current_setting('synchronous_standby_names') AS "standbyNames", (${STANDBYS}) AS "standbys"`

export const readCommitState = async (client: Queryable): Promise<CommitState> =>
  onlyRow(await client.query<CommitState>(SELECT_COMMIT_STATE))

/**
 * Why what is committed now is on no synchronous standby; undefined when it is, or this role may not see which standbys are attached:
 * a commit waits for those that are named.
 */
export const whyNotReplicated = ({ synchronousCommit, ...servers }: CommitState): string | undefined => {
  if (commitWaitOf(synchronousCommit) === 'none') return 'synchronous_commit is local, so no commit waits for a standby'
  const state = synchronousState(servers)
  if (state.kind === 'nobody') return 'synchronous_standby_names is empty'
  if (state.copies === 0) return describeOthers(state)
  return describeMissing(state)
}

/** Why every commit waits now, for standbys that are not there; undefined when none has to, or this role may not see that. */
export const whyCommitsWait = ({ synchronousCommit, ...servers }: CommitState): string | undefined =>
  commitWaitOf(synchronousCommit) === 'none' ? undefined : describeMissing(synchronousState(servers))

const describeMissing = (state: SynchronousState): string | undefined =>
  state.kind === 'named' && state.attached < state.needed
    ? `${state.attached} of ${state.needed} synchronous standbys are attached`
    : undefined

/** What an acknowledged message survives, as far as a server's settings promise it. */
export const promiseOf = (commits: CommitState): string => {
  const { synchronousCommit, ...servers } = commits
  const state = synchronousState(servers)
  const wait = commitWaitOf(synchronousCommit)
  if (state.kind === 'nobody' || wait === 'none' || state.copies === 0)
    return 'an acknowledged message is on the disk of the database server, and on no other server for certain'
  const where = wait === 'memory' ? 'in the memory' : 'on the disk'
  const names = `synchronous_standby_names = '${commits.standbyNames}'`
  return `an acknowledged message is on the disk of the database server and ${where} of its synchronous standbys (${names})`
}
