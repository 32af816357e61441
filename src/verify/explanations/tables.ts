import type { Explanations } from './explanation.js'

export const TABLES = {
  schema_missing: {
    title: 'the schema is not there',
    severities: ['error'],
    meaning: `There is no schema of that name in this database, so there is no chat in it either. Nothing else was checked.`,
    cause: `Most often the wrong database or a misspelt --schema (names are case sensitive); else the schema was dropped, or a restore left it out.`,
    remedy: `Name the right one with --schema, or in the database URL as ?schema=NAME. For a new chat create it (CREATE SCHEMA) and run chatkeep migrate.`,
  },
  chat_tables_missing: {
    title: 'none of the tables of the chat is there',
    severities: ['error'],
    meaning: `The schema has neither "User" nor "Client" nor "ChatMessage". Nobody can write or read a message here.`,
    cause: `An empty database, or the connection goes to another database or schema than the application's. Where the history says that
      the tables were there, somebody dropped them.`,
    remedy: `Check the database named in the first line of the screen and --schema. In an empty database chatkeep migrate makes the tables. Tables
      that were dropped come back only from a backup.`,
  },
  table_missing: {
    title: 'a table is missing',
    severities: ['error'],
    meaning: `chatkeep reads or writes this table with every message or every look at the chats. Without it saving fails, or recent chats and
      guests' clients cannot be found.`,
    cause: `It was dropped or renamed, or a restore brought only some of the tables.`,
    remedy: `Tables whose names begin with chatkeep_ are made again and filled by chatkeep migrate. The application's own come from a backup; their
      shape is in migrations/1_create-chat-tables.sql.`,
  },
  table_unlogged: {
    title: 'a table is UNLOGGED: a crash empties it',
    severities: ['error'],
    meaning: `PostgreSQL writes no log for an UNLOGGED table. After a crash, or a hard restart, it is empty; on a replica it is always empty. "Kept" means
      nothing for a message in such a table.`,
    cause: `CREATE UNLOGGED TABLE or ALTER TABLE … SET UNLOGGED, often to make an import faster, and then forgotten.`,
    remedy: `ALTER TABLE … SET LOGGED. It rewrites the table under an exclusive lock, so choose a quiet hour for a large one.`,
  },
  table_left: {
    title: "a table of chatkeep's is still there after a rollback",
    severities: ['error'],
    meaning: `A rolled back database has nothing of the guest-chat update. This table belongs to it, so the rollback was not complete.`,
    cause: `The rollback was interrupted, or somebody made the table by hand or by a partial restore afterwards.`,
    remedy: `Run the command that the finding names: it finishes the rollback. What the history does not know is recorded by migrate first.`,
  },
  enum_label_missing: {
    title: 'an enum lacks a value that chatkeep writes',
    severities: ['error'],
    meaning: `Every message says who sent it (CLIENT, OPERATOR) and what it is (TEXT, IMAGE). With a label missing, messages of that kind are refused by
      the server: invalid input value for enum.`,
    cause: `A migration of the application renamed a label, or made the type anew without it.`,
    remedy: `ALTER TYPE … ADD VALUE, as the finding shows. A label that was renamed is better renamed back (ALTER TYPE … RENAME VALUE), since rows carry it.`,
  },
} as const satisfies Explanations
