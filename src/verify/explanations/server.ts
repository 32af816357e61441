import type { Explanations } from './explanation.js'

export const SERVER = {
  fsync_off: {
    title: 'fsync is off: a crash can destroy the database',
    severities: ['warning'],
    meaning: `The server does not wait for the disk. After a crash of the machine, data files and log may contradict each other and the whole database may be unreadable. "Kept" cannot be promised.`,
    cause: `Switched off for tests or a bulk load.`,
    remedy: `Switch it on where the finding says it was switched off, then run sync on the machine or restart the server properly. For faster commits use batches, as chatkeep does.`,
  },
  full_page_writes_off: {
    title: 'full_page_writes is off: a crash can leave torn pages',
    severities: ['warning'],
    meaning: `A page that was half written when the machine lost power cannot be repaired from the log. The rows on it are damaged, and nobody notices until they are read.`,
    cause: `Switched off to write less log, often because a file system is believed to write pages whole (few do, and not on every disk).`,
    remedy: `Switch it on where the finding says it was switched off. A reload is enough.`,
  },
  synchronous_commit_off: {
    title: 'synchronous_commit is off: a crash can lose what was just committed',
    severities: ['warning', 'note'],
    meaning: `The server says "committed" before the log is on the disk. A crash loses the last moments (up to three times wal_writer_delay), though nothing is damaged. chatkeep's store switches it on for
      its own saves; other programs' messages are at risk. As a note: another role has this setting, and --application-role says whether that is the application's.`,
    cause: `ALTER DATABASE or ALTER ROLE … SET synchronous_commit = off, or the server's configuration, to commit faster.`,
    remedy: `Reset it where the finding says it was set. New sessions then have the server's setting.`,
  },
} as const satisfies Explanations
