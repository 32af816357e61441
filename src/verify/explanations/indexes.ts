import type { Explanations } from './explanation.js'

export const INDEXES = {
  index_missing: {
    title: 'an index is missing',
    severities: ['error'],
    meaning: `chatkeep's reads are fast because of this index; the unique one also makes that no message is stored twice. Without it they read the whole table: at ten
      million messages seconds instead of milliseconds.`,
    cause: `It was dropped, or a restore left it out, or the migration that makes it was recorded and not run.`,
    remedy: `chatkeep migrate builds it again, CONCURRENTLY: nobody has to stop writing.`,
  },
  index_invalid: {
    title: 'an index is INVALID: it costs writes and answers nothing',
    severities: ['error', 'note'],
    meaning: `The server keeps the index up to date with every insert but does not use it to read, and a unique one guarantees nothing about older rows. As a note: it
      is being built at this moment, and that is how it looks until then.`,
    cause: `A CREATE INDEX CONCURRENTLY that was cancelled, timed out, found doubles or lost its server. Tools that only keep a history do not see it.`,
    remedy: `chatkeep migrate drops it and builds it again. If it is unique and fails again, verify names the doubled keys.`,
  },
  index_not_ready: {
    title: 'an index is not ready: new rows are not in it',
    severities: ['error', 'note'],
    meaning: `A concurrent build died in its first phase (not ready), or a concurrent drop in its last (not live). The index is not even kept up to date, so it cannot be
      made valid: it has to be built again. As a note: it is being built at this moment.`,
    cause: `CREATE, DROP or REINDEX INDEX CONCURRENTLY was cancelled or lost its server.`,
    remedy: `chatkeep migrate drops it and builds it again.`,
  },
  index_differs: {
    title: 'an index has the right name and another definition',
    severities: ['error'],
    meaning: `Other columns, order, predicate, uniqueness, collation, operator class or treatment of NULLs: the queries that rely on the name do not get what they need. They may
      be slow, or, where uniqueness is lost, messages may be stored twice.`,
    cause: `Made by hand or by another tool after a recipe that was not ours, or "improved" later.`,
    remedy: `Rename it as the finding shows, then chatkeep migrate builds the right one beside it. Drop the renamed one when nobody misses it.`,
  },
  index_leftover: {
    title: 'an index that a REINDEX CONCURRENTLY left behind',
    severities: ['warning'],
    meaning: `Its name ends in _ccnew or _ccold and it is INVALID: no query uses it, but every insert may still pay for it, and it takes as much room as the real one.`,
    cause: `REINDEX CONCURRENTLY was cancelled, timed out or lost its server.`,
    remedy: `DROP INDEX CONCURRENTLY, as the finding shows. If the name ends in _ccnew, run the REINDEX again when it was needed.`,
  },
  index_left: {
    title: 'an index of the update is still there after a rollback',
    severities: ['error'],
    meaning: `A rolled back database does not have this index. It harms nobody but writers, who keep it up to date for nothing.`,
    cause: `The rollback was interrupted, or the update was applied by hand, so that the history does not know of it.`,
    remedy: `Run the command that the finding names.`,
  },
} as const satisfies Explanations
