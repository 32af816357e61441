import type { Explanations } from './explanation.js'

export const PROBE = {
  probe_refused: {
    title: 'the database refuses a step of the guest flow',
    severities: ['error'],
    meaning: `In a transaction that was rolled back, chatkeep did what guests and operators do, and the server refused the steps that are named. A real message would be refused in the same way.`,
    cause: `A right that was not granted, a policy, a trigger or constraint of the application, a column without default, a sequence at its end.`,
    remedy: `The SQLSTATE says why: 42501 a right is missing or a policy refuses, 23502 a column without default, 22P02 a label of an enum is missing, 2200H a sequence is at its end, 42P10 a unique index is missing, P0001 a trigger of the application.`,
  },
  probe_message_lost: {
    title: 'a message is taken without an error, and is not there',
    severities: ['error'],
    meaning: `The insert succeeded and the row cannot be read back: a trigger returns NULL or deletes it, a rule replaces the insert, or row-level security hides it from the role.`,
    cause: `A trigger or rule that was made to filter messages, or row-level security that was switched on without a policy for this role.`,
    remedy: `List triggers, rules and policies of the table with \\d in psql, and change the one that does it.`,
  },
  probe_message_changed: {
    title: 'a message is stored with other values than it was sent with',
    severities: ['error'],
    meaning: `A trigger changes what is inserted. Resends are then no longer recognised as the same message, and what is read is not what was said.`,
    cause: `A trigger of the application that tidies or fills columns.`,
    remedy: `Find the trigger that changes the columns named, and let it leave them alone.`,
  },
  probe_client_not_made: {
    title: 'no client can be made of a guest',
    severities: ['error'],
    meaning: `Messages of new guests are kept, but without client: the insert into "Client" is refused or swallowed. Nothing is lost; chatkeep reconcile links them once the cause is gone.`,
    cause: `A right on "Client" that was not granted, a column without default that was added later, a trigger that refuses.`,
    remedy: `Mend what the finding names (a right, a column without default, a sequence, a trigger), then chatkeep reconcile.`,
  },
  probe_duplicate_accepted: {
    title: 'the same message, with the same key, was stored twice',
    severities: ['error'],
    meaning: `Idempotency keys do not hold, so a resend after a lost connection doubles a message.`,
    cause: `The unique index on "idempotencyKey" was dropped or is INVALID, or a trigger changes the key.`,
    remedy: `The unique index on "idempotencyKey" is missing or its values are changed by a trigger: chatkeep verify, chatkeep migrate.`,
  },
  probe_not_marked_as_read: {
    title: 'marking as read changes nothing',
    severities: ['error'],
    meaning: `The update finds no row: a trigger or rule swallows it, or no policy of row-level security lets the role update.`,
    cause: `A trigger, a rule, or row-level security with policies for SELECT and INSERT only.`,
    remedy: `Add a policy FOR UPDATE, or change the trigger.`,
  },
  probe_chat_not_listed: {
    title: 'a chat does not appear among the recent ones',
    severities: ['error'],
    meaning: `The triggers that keep the list of chats are missing, disabled, or do not fire in this session.`,
    cause: `session_replication_role, ALTER TABLE … DISABLE TRIGGER, or a dropped trigger.`,
    remedy: `chatkeep migrate puts them right and fills the list.`,
  },
  probe_read_only: {
    title: 'sessions of the database are read-only',
    severities: ['error'],
    meaning: `default_transaction_read_only is on, so every save fails. Hosting services set it when a disk is full.`,
    cause: `A hosting service that protects a full disk, or a setting left behind.`,
    remedy: `Free space or raise the plan, then reset the setting where it was made: ALTER DATABASE, ALTER ROLE or the configuration.`,
  },
} as const satisfies Explanations
