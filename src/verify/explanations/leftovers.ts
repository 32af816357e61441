import type { Explanations } from './explanation.js'

export const LEFTOVERS = {
  rollback_unfinished: {
    title: 'a rollback began and did not end',
    severities: ['error'],
    meaning: `A constraint or a trigger that a rollback needs only on its way is still there. The constraint refuses every message without client, and every update of one
      (marking it as read, too).`,
    cause: `chatkeep rollback was killed or lost its connection. It can be cut anywhere and nothing is lost by it.`,
    remedy: `chatkeep migrate undoes what it did, chatkeep rollback finishes it. Either may be run at once.`,
  },
  unknown_leftover: {
    title: 'something is named like ours, and this version does not know it',
    severities: ['warning'],
    meaning: `Names that begin with chatkeep_ are chatkeep's own. This one it does not know, so it neither uses it nor takes it away.`,
    cause: `A newer version of chatkeep made it, or somebody made it by hand.`,
    remedy: `Compare chatkeep --version with the one that runs elsewhere. If no version made it, drop or rename it.`,
  },
  archive_waiting: {
    title: 'the archive of a rollback waits to be put back',
    severities: ['warning', 'note'],
    meaning: `A rollback keeps what the old schema cannot hold (names and phones of guests, keys, messages of nobody) in an archive, byte for byte. After a rollback that
      is as it should be (note); in a migrated database it should be empty and gone (warning). It holds personal data, readable by its owner only.`,
    cause: `A rollback; or a migrate after it that was interrupted before it had put everything back.`,
    remedy: `chatkeep migrate puts it back and drops it. If the update is not to come again and the data is to go, drop the tables chatkeep_archive* yourself.`,
  },
  change_running: {
    title: 'somebody is changing the database at this moment',
    severities: ['note'],
    meaning: `A chatkeep migrate or rollback is connected. What else was found may be what it is about to mend.`,
    cause: `A deployment is under way, or a run hangs behind a lock.`,
    remedy: `Wait until it has ended and ask again. chatkeep migrate names who holds the lock.`,
  },
  not_checked_in_time: {
    title: 'a question was not answered in time',
    severities: ['error', 'warning', 'note'],
    meaning: `The server stopped the question at --statement-timeout, or somebody kept a table locked. Not known is taken as seriously as the worst answer would be. All
      other checks were made.`,
    cause: `A large table without the index that the question needs, a server under load, or an ALTER TABLE under way.`,
    remedy: `Mend first what else was found (indexes above all), then ask again with a longer --statement-timeout.`,
  },
} as const satisfies Explanations
