import type { Explanations } from '../explanation.js'

export const PROBE_EXPLANATIONS = {
  probe_refused: {
    title: 'the database rejects a step of the guest flow',
    severities: ['error'],
    meaning: `In a transaction that was rolled back, chatkeep did what guests and operators do, and the server
      rejected the steps in the finding. It would reject real messages in the same way.`,
    cause: `A missing privilege, a policy, a trigger or constraint of the application, a column without default, or
      an exhausted sequence.`,
    remedy: `The SQLSTATE shows the reason: 42501 a privilege is missing or a policy rejects the row, 23502 a column
      has no default, 22P02 an enum lacks a label, 22P05 the encoding of the
      database lacks a character, 2200H a sequence is exhausted, 42P10 a unique index is missing,
      P0001 a trigger of the application raised an exception.`,
  },
  probe_message_lost: {
    title: 'a message is accepted without an error but cannot be read back',
    severities: ['error'],
    meaning: `The insert succeeds, but the row cannot be read back: a trigger returns NULL or deletes the row, a rule
      replaces the insert, or row-level security hides the row from the role.`,
    cause: 'A trigger or rule that filters messages, or row-level security enabled without a policy for this role.',
    remedy: 'List the triggers, rules and policies of the table with \\d in psql, and change the one responsible.',
  },
  probe_message_changed: {
    title: 'a message is stored with other values than were sent',
    severities: ['error'],
    meaning: `A trigger changes inserted rows. A message that is sent again is then no longer recognised as the same,
      and what is read is not what was written.`,
    cause: 'A trigger of the application that cleans up or fills columns.',
    remedy: 'Find the trigger that changes the columns in the finding, and exclude them from it.',
  },
  probe_client_not_made: {
    title: 'no client can be created for a guest',
    severities: ['error'],
    meaning: `Messages of new guests are saved, but without client: the insert into "Client" is rejected or
      discarded. No message is lost; chatkeep reconcile links them once the cause is fixed.`,
    cause: `A missing privilege on "Client", a column without default that was added later, or a trigger that rejects
      the row.`,
    remedy: `Fix what the finding names (a privilege, a column without default, a sequence, a trigger), then run
      chatkeep reconcile.`,
  },
  probe_duplicate_accepted: {
    title: 'a message with the same idempotency key was stored twice',
    severities: ['error'],
    meaning: `Idempotency keys have no effect, so a message that is sent again after a lost connection is stored
      twice.`,
    cause: 'The unique index on "idempotencyKey" was dropped or is INVALID, or a trigger changes the key.',
    remedy: `Run chatkeep verify to see whether the index is missing; chatkeep migrate rebuilds it. Otherwise change
      the trigger.`,
  },
  probe_not_marked_as_read: {
    title: 'marking a message as read has no effect',
    severities: ['error'],
    meaning: `The update has no effect: a trigger or rule discards or undoes it, or no row-level security policy lets the role
      update the row.`,
    cause: 'A trigger, a rule, or row-level security with policies for SELECT and INSERT only.',
    remedy: 'Add a policy FOR UPDATE, or change the trigger or rule.',
  },
  probe_chat_not_listed: {
    title: 'a chat does not appear among the recent chats',
    severities: ['error'],
    meaning: `The message is saved, but its chat is not among the recent chats, so operators do not see it there.`,
    cause: `A trigger of the application that changes "createdAt" or "clientId" after the insert, or a damaged index.`,
    remedy: `List the triggers of the table with \\d in psql, and change the one responsible. If there is none, check the
      indexes with pg_amcheck and rebuild the damaged one: REINDEX INDEX CONCURRENTLY.`,
  },
  probe_read_only: {
    title: 'sessions of the database are read-only',
    severities: ['error'],
    meaning: `default_transaction_read_only is on, so every save fails. Hosting services turn it on when a disk is
      full.`,
    cause: 'A hosting service that protects a full disk, or a setting that was never reset.',
    remedy: `Free disk space or extend the plan, then reset the setting where it was made: ALTER DATABASE, ALTER ROLE
      or the configuration.`,
  },
} as const satisfies Explanations

export type ProbeCode = keyof typeof PROBE_EXPLANATIONS
