/** What a commit waits for at the synchronous standbys: `none` of them, or that they have it in memory or on disk. */
export type CommitWait = 'none' | 'memory' | 'disk'

/**
 * What a commit of the store waits for where standbys are named. With `off` as with `on`, because the store turns it on.
 * @param synchronousCommit a value of `synchronous_commit`, also as written in ALTER ROLE
 */
export const commitWaitOf = (synchronousCommit: string): CommitWait => {
  const value = synchronousCommit.toLowerCase()
  if (value === 'local') return 'none'
  return value === 'remote_write' ? 'memory' : 'disk'
}
