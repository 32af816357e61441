import type { Explanation } from '../../explanation.js'

/** Shared by the checks of the session's own setting and of other roles. */
export const SYNCHRONOUS_COMMIT_OFF: Explanation = {
  title: 'synchronous_commit is off: a crash can lose recent commits',
  severities: ['warning', 'note'],
  meaning: `The server confirms a commit before the WAL is on disk. A crash loses the latest commits (up to three
    times wal_writer_delay) but damages nothing. chatkeep's store turns it on for its own saves; messages of other
    programs are at risk. Severity note: another role has this setting, and --application-role shows whether it is the
    application's.`,
  cause: `ALTER DATABASE or ALTER ROLE … SET synchronous_commit = off, or the server's configuration, for faster
    commits.`,
  remedy: `Reset it where the finding says it was set. New sessions then have the server's setting.`,
}
