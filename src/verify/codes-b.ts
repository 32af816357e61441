/** What a finding means, and what to do about it, in the words of `explain`. */
export interface Explanation {
  readonly title: string
  readonly meaning: string
  readonly mend: string
}

/** Findings of the probe and of the comparison with the application's models. */
export const PROBE_AND_MODEL_CODES: Readonly<Record<string, Explanation>> = {
  probe_refused: {
    title: 'the database refuses a step of the guest flow',
    meaning:
      'In a transaction that was rolled back, chatkeep did what guests and operators do, and the server refused the steps that are named. A real message would be refused in the same way.',
    mend: 'The SQLSTATE says why: 42501 a right is missing or a policy refuses, 23502 a column without default, 22P02 a label of an enum is missing, 2200H a sequence is at its end, 42P10 a unique index is missing, P0001 a trigger of the application.',
  },
  probe_message_lost: {
    title: 'a message is taken without an error, and is not there',
    meaning:
      'The insert succeeded and the row cannot be read back: a trigger returns NULL or deletes it, a rule replaces the insert, or row-level security hides it from the role.',
    mend: 'List triggers, rules and policies of the table with \\d in psql, and change the one that does it.',
  },
  probe_message_changed: {
    title: 'a message is stored with other values than it was sent with',
    meaning:
      'A trigger changes what is inserted. Resends are then no longer recognised as the same message, and what is read is not what was said.',
    mend: 'Find the trigger that changes the columns named, and let it leave them alone.',
  },
  probe_client_not_made: {
    title: 'no client can be made of a guest',
    meaning:
      'Messages of new guests are kept, but without client: the insert into "Client" is refused or swallowed. Nothing is lost; chatkeep reconcile links them once the cause is gone.',
    mend: 'Mend what the finding names (a right, a column without default, a sequence, a trigger), then chatkeep reconcile.',
  },
  probe_duplicate_accepted: {
    title: 'the same message, with the same key, was stored twice',
    meaning: 'Idempotency keys do not hold, so a resend after a lost connection doubles a message.',
    mend: 'The unique index on "idempotencyKey" is missing or its values are changed by a trigger: chatkeep verify, chatkeep migrate.',
  },
  probe_not_marked_as_read: {
    title: 'marking as read changes nothing',
    meaning:
      'The update finds no row: a trigger or rule swallows it, or no policy of row-level security lets the role update.',
    mend: 'Add a policy FOR UPDATE, or change the trigger.',
  },
  probe_chat_not_listed: {
    title: 'a chat does not appear among the recent ones',
    meaning: 'The triggers that keep the list of chats are missing, disabled, or do not fire in this session.',
    mend: 'chatkeep migrate puts them right and fills the list.',
  },
  probe_read_only: {
    title: 'sessions of the database are read-only',
    meaning: 'default_transaction_read_only is on, so every save fails. Hosting services set it when a disk is full.',
    mend: 'Free space or raise the plan, then reset the setting where it was made: ALTER DATABASE, ALTER ROLE or the configuration.',
  },
  model_missing: {
    title: 'a table of the chat has no model',
    meaning: 'The application cannot use the table through its ORM. Nothing fails by that alone.',
    mend: 'npx prisma db pull, or add the model.',
  },
  model_field_required: {
    title: 'the model wants a value where the database may have none',
    meaning:
      'Reading one row without a value fails, and with it every row of that query. This is what breaks an application when the first guest writes: "clientId" is nullable since the guest-chat update.',
    mend: 'Make the field optional (clientId Int?), and the relation that rests on it (client Client?), then npx prisma generate and deploy.',
  },
  model_field_optional: {
    title: 'the model allows no value where the database wants one',
    meaning: 'An insert that leaves the field out, or says null, fails.',
    mend: 'Make the field required, or the column nullable, whichever is meant.',
  },
  model_field_unknown: {
    title: 'the model has a field that the database does not have',
    meaning: 'The ORM names all fields when it reads, so every read of the model fails.',
    mend: 'chatkeep migrate where it is a column of the guest-chat update; else remove the field or add the column.',
  },
  model_field_missing: {
    title: 'the database has a column that the model does not have',
    meaning:
      'Without a default every insert through the model fails (error). A guest column can be neither written nor read (warning). Others are only in danger of npx prisma db push, which drops what it does not know (note).',
    mend: 'Add the line that the finding gives, then npx prisma generate.',
  },
  model_type_differs: {
    title: 'model and column have different types',
    meaning:
      'Reading or writing the field fails; with instants of another kind they shift by the time zone of the session.',
    mend: 'Write the line that the finding gives, then npx prisma generate.',
  },
  model_default_missing: {
    title: 'the model relies on a default that the database does not have',
    meaning: 'autoincrement() and dbgenerated() leave the value to the database, which has none to give.',
    mend: 'Give the column its default again, e.g. nextval of its sequence.',
  },
  model_enum_label_missing: {
    title: 'the database has a label that the enum of the model lacks',
    meaning: 'Reading a row that has this label fails.',
    mend: 'Add the label to the enum, then npx prisma generate.',
  },
  model_enum_label_unknown: {
    title: 'the enum of the model has a label that the database lacks',
    meaning: 'Storing it fails.',
    mend: 'ALTER TYPE … ADD VALUE, or take the label from the model.',
  },
  model_unique_missing: {
    title: 'a unique column is not said to be unique in the model',
    meaning: 'findUnique and upsert by it are not offered, and npx prisma db push would drop the index.',
    mend: 'Add @unique to the field.',
  },
  model_unique_unfounded: {
    title: 'the model says that a field is unique, and the database does not see to it',
    meaning: 'An upsert by the field fails or makes doubles, and two clients may share a name or phone.',
    mend: 'chatkeep verify names the index that is missing.',
  },
}
