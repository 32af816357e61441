import type { Explanations } from './explanation.js'

export const COLUMNS = {
  column_missing: {
    title: 'a column is missing',
    severities: ['error'],
    meaning: `chatkeep names this column in the statements that save and read messages, so those statements fail while it is missing.`,
    cause: `It was dropped or renamed, in most cases by a migration of the application whose model does not know it ("db push" drops what it does
      not know).`,
    remedy: `Run what the finding names. What was in a dropped column comes only from a backup. Then put the column into the application's model, so that it
      is not dropped again.`,
  },
  column_type: {
    title: 'a column has another type',
    severities: ['error'],
    meaning: `Values would be cut, refused, or read as something else: text in a varchar(50) loses the rest, a timestamp with time zone is not the UTC
      instant that everybody else writes, an enum of another schema refuses the labels of ours.`,
    cause: `A migration of the application, or the update was applied by hand with other types.`,
    remedy: `ALTER TABLE … ALTER COLUMN … TYPE, as the finding shows. It may rewrite the table under an exclusive lock, and triggers that look at the column
      must be dropped before; chatkeep migrate makes its own again.`,
  },
  column_nullability: {
    title: 'a column is NOT NULL where it must not be, or the other way round',
    severities: ['error'],
    meaning: `A "clientId" that is NOT NULL refuses every message of a guest who has no client: that is the fault which the guest-chat update is for. A
      column that may be NULL where it must not be makes counts and order wrong, since NULL is neither read nor unread and sorts as latest.`,
    cause: `The application's model still says that the column is required (or optional) and its migration tool "repaired" the database to match it; or
      the update, or its rollback, was applied by half.`,
    remedy: `Run what the finding names. Then change the application's model, or its next migration does it again.`,
  },
  column_default: {
    title: 'a default is missing or does not do what the column is for',
    severities: ['error', 'warning'],
    meaning: `An insert that leaves the column out gets the default. If "isRead" begins as true, no operator ever sees the message as unread; if "createdAt" is a
      constant, all messages have the same time; if an id is, the second insert fails. Without a default, other programs' inserts fail, though those of chatkeep do not.`,
    cause: `DEFAULT 'now' instead of now(): the server turns it into the time of the ALTER TABLE. Or a model with another default, or a restore from a dump without them.`,
    remedy: `ALTER TABLE … ALTER COLUMN … SET DEFAULT (or DROP DEFAULT), as the finding shows: it changes only the catalog. Rows that already have the wrong value stay as they are.`,
  },
  column_without_default: {
    title: 'a column must be filled and nobody fills it',
    severities: ['error'],
    meaning: `The column is NOT NULL, has no default, and chatkeep does not know it. So no message, or no client of a guest, can be inserted: saving fails, or guests
      stay without a client.`,
    cause: `The application got a new required column, or the default of an id (its sequence) was lost in a restore.`,
    remedy: `Give it a default or make it nullable: ALTER TABLE … ALTER COLUMN … SET DEFAULT …. For an id: its sequence, DEFAULT nextval('…').`,
  },
  column_left: {
    title: 'a column of the update is still there after a rollback',
    severities: ['error'],
    meaning: `A rolled back "ChatMessage" does not have this column. While it is there, an application of before the update may stumble over it, and guests'
      data is in two places.`,
    cause: `The rollback was interrupted, or the update was applied by hand, so that the history does not know of it.`,
    remedy: `Run the command that the finding names: it archives what is in the column and drops it.`,
  },
  unique_index_missing: {
    title: 'names or phones of clients are not unique',
    severities: ['error'],
    meaning: `"One client per guest" rests on the unique index of "Client"."username", and "a phone belongs to one client" on that of "phone". Without it, two first
      messages of a guest at the same time make two clients, and his history is split.`,
    cause: `The index was dropped, is INVALID, or covers only some rows (a WHERE, another column beside it).`,
    remedy: `CREATE UNIQUE INDEX CONCURRENTLY, as the finding shows. If it fails there are doubles already: merge those clients first.`,
  },
} as const satisfies Explanations
