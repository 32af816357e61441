import type { Explanations } from './explanation.js'

export const INTEGRITY = {
  constraint_not_validated: {
    title: 'a constraint was never checked against the rows that are there',
    severities: ['warning'],
    meaning: `NOT VALID: the server checks new and changed rows only. Older rows may break the rule; such a row cannot be updated any more (marking it as read fails), and a
      restore of a dump fails at it.`,
    cause: `ADD CONSTRAINT … NOT VALID without the VALIDATE CONSTRAINT that belongs after it; or, from PostgreSQL 18, NOT ENFORCED.`,
    remedy: `ALTER TABLE … VALIDATE CONSTRAINT: reads the table, and lets everybody go on. If it fails it names the first row that breaks the rule.`,
  },
  foreign_key_disabled: {
    title: 'a foreign key is not enforced: its triggers are disabled',
    severities: ['warning'],
    meaning: `The catalog says that the foreign key is valid, and nobody checks it: messages of clients that do not exist are accepted, and clients with messages may be deleted.`,
    cause: `ALTER TABLE … DISABLE TRIGGER ALL, for an import or a data-only restore, and nobody enabled them again.`,
    remedy: `ALTER TABLE … ENABLE TRIGGER ALL, as the finding shows. Rows that came in meanwhile are not checked by it: verify looks for orphans.`,
  },
  rule_on_table: {
    title: 'a rewrite rule stands between chatkeep and its table',
    severities: ['error'],
    meaning: `A rule DO INSTEAD replaces the insert or update by something else: it "succeeds" and the message is not there. A rule DO ALSO is no better, since PostgreSQL refuses
      INSERT … ON CONFLICT on a table that has rules for INSERT or UPDATE: saving fails, or guests
      get no client.`,
    cause: `CREATE RULE, as was usual for partitioning, soft deletes or audit tables before there were triggers for it.`,
    remedy: `Drop the rule, and do with a trigger what it was for.`,
  },
  sequence_ending: {
    title: 'ids are running out',
    severities: ['error', 'warning'],
    meaning: `When the sequence reaches its end, or the end of the column's type (2,147,483,647 for integer), every insert fails. A warning from 80 %, an error from 95 % on.`,
    cause: `Many rows; or values that were spent without a row: INSERT … ON CONFLICT, failed inserts, a setval far ahead.`,
    remedy: `For an integer id: ALTER TABLE … ALTER COLUMN … TYPE bigint rewrites the table under an exclusive lock, so do it early, or by a new column that a trigger fills. Columns that point to it go
      first. For a sequence with a limit of its own: ALTER SEQUENCE … NO MAXVALUE. chatkeep itself works with both.`,
  },
  sequence_behind: {
    title: 'a sequence is behind the ids that are there',
    severities: ['error'],
    meaning: `The next ids that it hands out are taken already, so the next inserts fail with a unique violation on the primary key, until the sequence has passed them all.`,
    cause: `Rows were brought in with their ids (an import, a data-only restore, a logical replica that was promoted), and nobody called setval.`,
    remedy: `Run the statement of the finding. It is safe beside live traffic.`,
  },
  sequence_not_owned: {
    title: 'a sequence does not belong to its column',
    severities: ['note'],
    meaning: `Inserts work. But a dump of the table alone leaves the sequence out, DROP TABLE leaves it behind, and TRUNCATE … RESTART IDENTITY does not reset it.`,
    cause: `The default was written by hand (nextval), or the table was rebuilt under a new name; or it is shared among tables on purpose, and then nothing is wrong.`,
    remedy: `ALTER SEQUENCE … OWNED BY, as the finding shows, unless it is shared.`,
  },
  rows_hidden: {
    title: "row-level security hides rows from the application's role",
    severities: ['error'],
    meaning: `The role named by --application-role does not see, or may not write, every row: no policy lets all of them through. Histories and counts are then short without
      an error, and inserts may be refused.`,
    cause: `ENABLE ROW LEVEL SECURITY (hosting platforms switch it on for every table) without a policy for this role, or FORCE ROW LEVEL SECURITY for the owner.`,
    remedy: `A policy for that role, as the finding shows, or ALTER ROLE … BYPASSRLS. Policies for other roles stay as they are.`,
  },
  privilege_missing: {
    title: "the application's role lacks a right",
    severities: ['error'],
    meaning: `The role named by --application-role may not do what chatkeep has to do with this object as that role. Saving or reading fails with permission denied.`,
    cause: `The role was made, or its rights were given, before the migration: a GRANT on all tables covers only those that are there.`,
    remedy: `GRANT, as the finding shows, as the owner. ALTER DEFAULT PRIVILEGES covers tables to come.`,
  },
} as const satisfies Explanations
