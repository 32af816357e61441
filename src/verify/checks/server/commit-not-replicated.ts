import { commitWaitOf } from '../../../database/replication/commit-wait.js'
import type { Explanation } from '../../explanation.js'
import type { Severity } from '../../severity.js'

/** What commits with such a setting do not wait for, although standbys are named. */
export const weakerCommit = (
  synchronousCommit: string,
): { readonly severity: Severity; readonly consequence: string } | undefined => {
  const wait = commitWaitOf(synchronousCommit)
  if (wait === 'none') return { severity: 'warning', consequence: 'a failover loses what has not reached the standby' }
  return wait === 'memory'
    ? { severity: 'note', consequence: 'a standby has the commit in memory, perhaps not on disk' }
    : undefined
}

/** Shared by the checks of the session's own setting and of other roles. */
export const COMMIT_NOT_REPLICATED: Explanation = {
  title: 'commits do not wait until the standby has them on disk',
  severities: ['warning', 'note'],
  meaning: `With synchronous_commit = local (warning) a commit waits for no standby, although synchronous_standby_names
    names some: a failover loses what has not reached them. With remote_write (note) a standby has it in memory: only a
    crash of the standby's machine during the failover loses it. It is a note, too, for a role of which verify does not know
    whether it is the application's (--application-role).`,
  cause:
    'ALTER DATABASE or ALTER ROLE … SET synchronous_commit, or the configuration of the server, for faster commits.',
  remedy: 'Reset it where the finding says it was set. New sessions then have the setting of the server.',
}
