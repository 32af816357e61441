import type { Explanations } from '../explanation.js'

export const MODEL_EXPLANATIONS = {
  model_missing: {
    title: 'a chat table has no model',
    severities: ['warning'],
    meaning: 'The application cannot use the table through its ORM. This alone does not cause errors.',
    cause: 'The models were written by hand, or before the chat was added.',
    remedy: 'Run npx prisma db pull, or add the model.',
  },
  model_field_required: {
    title: 'the model requires a value where the database allows NULL',
    severities: ['error'],
    meaning: `Reading a row without a value fails, and with it every row of that query. This breaks an application
      when the first guest writes: "clientId" is nullable since the guest-chat update.`,
    cause: `The database was migrated, but the schema of the ORM was not updated, or its client was not generated
      again.`,
    remedy: `Make the field optional (clientId Int?), and the relation that is based on it (client Client?). Then run
      npx prisma generate and deploy.`,
  },
  model_field_optional: {
    title: 'the model allows NULL where the database requires a value',
    severities: ['error', 'warning'],
    meaning: `The database rejects an insert that omits the field or sets it to null, although the ORM's types allow
      it.`,
    cause: 'A column became NOT NULL after the model was written.',
    remedy: 'Make the field required, or the column nullable, whichever is intended.',
  },
  model_field_unknown: {
    title: 'the model has a field that the database lacks',
    severities: ['error'],
    meaning: 'The ORM selects all fields, so every read of the model fails, not only reads that use this field.',
    cause: 'The application was deployed before the database was migrated, or a column was dropped.',
    remedy: `Run chatkeep migrate if it is a column of the guest-chat update; otherwise remove the field or add the
      column.`,
  },
  model_field_missing: {
    title: 'the database has a column that the model lacks',
    severities: ['error', 'warning', 'note'],
    meaning: `If the column has no default, every insert through the model fails (error). A guest column can be
      neither written nor read (warning). Another column may be dropped by npx prisma db push (note).`,
    cause: 'The database was migrated, but the schema of the ORM was not updated.',
    remedy: 'Add the line in the finding, then run npx prisma generate.',
  },
  model_type_differs: {
    title: 'the types of a field and its column differ',
    severities: ['error', 'warning'],
    meaning: `Reading or writing the field fails (error). If both are timestamps, but only one has a time zone, times
      shift by the session's time zone (warning).`,
    cause: 'The type of the column or of the field was changed without the other.',
    remedy: 'Write the line in the finding, then run npx prisma generate.',
  },
  model_default_missing: {
    title: 'the model relies on a default that the database lacks',
    severities: ['error'],
    meaning: `autoincrement() and dbgenerated() leave the value to the database, but the column has no default, so
      inserts fail.`,
    cause: 'A default was dropped, often by a restore or a copy of the table.',
    remedy: 'Restore the default of the column, for example nextval of its sequence.',
  },
  model_enum_label_missing: {
    title: 'the database has a label that the enum of the model lacks',
    severities: ['error'],
    meaning: 'Reading a row that has this label fails, and with it every other row of the same query.',
    cause: 'The label was added only in the database.',
    remedy: 'Add the label to the enum, then run npx prisma generate.',
  },
  model_enum_label_unknown: {
    title: 'the enum of the model has a label that the database lacks',
    severities: ['error'],
    meaning: `The ORM's types allow the label, but the database rejects every row that contains it.`,
    cause: 'The label was added to the model, but its migration was not run.',
    remedy: 'Run the ALTER TYPE … ADD VALUE in the finding, or remove the label from the model.',
  },
  model_relation_differs: {
    title: 'a relation of the model has another ON DELETE, ON UPDATE or name than the foreign key',
    severities: ['error', 'warning'],
    meaning: `npx prisma db push and migrate dev would replace the foreign key. With Cascade, deleting a client then
      deletes its messages (error). Prisma's default for an optional relation is SetNull, for a required one Restrict, so
      a relation that became optional changes silently.`,
    cause: 'The relation was made optional without onDelete, or the foreign key was created by hand.',
    remedy: 'Write the line in the finding.',
  },
  model_relation_missing: {
    title: 'the database has a foreign key for which the model has no relation',
    severities: ['warning'],
    meaning: `npx prisma db push and migrate dev would drop the foreign key. Then nothing prevents messages that refer to a
      client that does not exist.`,
    cause: `The models were written by hand, or the datasource has relationMode = "prisma", with which Prisma keeps no
      foreign keys in the database.`,
    remedy: 'Add the two lines in the finding, or remove relationMode.',
  },
  model_relation_unknown: {
    title: 'the model has a relation for which the database has no foreign key',
    severities: ['note'],
    meaning: `npx prisma db push and migrate dev would create the foreign key, which blocks writes to both tables while all
      rows are checked, and fails if a row refers to nothing.`,
    cause: 'The foreign key was dropped, or the relation was added to the model, but not deployed.',
    remedy: 'Run the statements in the finding, which check the rows without blocking writes.',
  },
  model_index_missing: {
    title: 'the database has an index that the model lacks',
    severities: ['warning'],
    meaning: `npx prisma db push drops indexes that the model does not declare; without those of chatkeep, its queries
      read the whole table until chatkeep migrate has built them again. Partial indexes and indexes on expressions are
      not affected.`,
    cause: 'The index was created outside the ORM, as the migrations of chatkeep do.',
    remedy: 'Add the line in the finding.',
  },
  model_index_differs: {
    title: 'an index of the model is not the one of the same name or column in the database',
    severities: ['warning'],
    meaning: `npx prisma db push would replace the index (other columns, order or type), which blocks writes meanwhile, rename
      it, or fail, if the index is partial or on an expression: Prisma does not see it, but its name is taken. chatkeep
      needs its indexes as they are, under their names.`,
    cause: 'The line was written by hand, for example without sort: Desc or map.',
    remedy: 'Write the line in the finding.',
  },
  model_index_unknown: {
    title: 'the model declares an index that the database lacks',
    severities: ['note'],
    meaning: 'npx prisma db push would build it without CONCURRENTLY, which blocks writes to the table meanwhile.',
    cause: 'The index was added to the model, but not deployed; or dropped in the database only.',
    remedy: 'Build it CONCURRENTLY under the name that the model gives it, or remove it from the model.',
  },
  model_unique_missing: {
    title: 'a unique column is not declared as unique in the model',
    severities: ['warning'],
    meaning: 'The ORM offers no findUnique or upsert by this field, and npx prisma db push would drop the index.',
    cause: 'The index was created outside the ORM, as the migrations of chatkeep do.',
    remedy: 'Add @unique to the field.',
  },
  model_unique_unfounded: {
    title: 'a field is declared as unique, but the database does not enforce it',
    severities: ['error'],
    meaning: `An upsert by the field fails or creates duplicates, and nothing prevents two rows from having the same
      value.`,
    cause: 'The index was dropped or is INVALID.',
    remedy: 'Run chatkeep verify, which names the missing index, and chatkeep migrate, which builds it.',
  },
} as const satisfies Explanations

export type ModelCode = keyof typeof MODEL_EXPLANATIONS
