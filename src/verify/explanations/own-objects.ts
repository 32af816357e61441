import type { Explanations } from './explanation.js'

export const OWN_OBJECTS = {
  trigger_missing: {
    title: 'a trigger that keeps the list of chats is gone',
    severities: ['error'],
    meaning: `Triggers on "ChatMessage" note which chat was active when, whoever writes. Without one of them recent chats miss what is written, and operators do not see
      new messages.`,
    cause: `Dropped by hand or by a tool that knows only its own triggers, or lost in a restore.`,
    remedy: `chatkeep migrate makes it again and fills what the list has missed.`,
  },
  trigger_disabled: {
    title: 'a trigger that keeps the list of chats does not fire',
    severities: ['error'],
    meaning: `It is there, but disabled, or fires only for what a replication applies. Recent chats miss all that is written meanwhile.`,
    cause: `ALTER TABLE … DISABLE TRIGGER for an import, and nobody enabled it again; ENABLE REPLICA TRIGGER.`,
    remedy: `chatkeep migrate enables it and fills what the list has missed.`,
  },
  trigger_differs: {
    title: "a trigger of chatkeep's has another definition",
    severities: ['error'],
    meaning: `It has our name and fires at other events, or calls another function. What it does to the list of chats, nobody can say.`,
    cause: `Changed by hand, or made by another version of chatkeep.`,
    remedy: `chatkeep migrate replaces it. If a newer chatkeep made it, use that one.`,
  },
  trigger_left: {
    title: "a trigger of chatkeep's is still there after a rollback",
    severities: ['error'],
    meaning: `A rolled back database has none. Its function or its table may be gone, and then every insert into "ChatMessage" fails.`,
    cause: `The rollback was interrupted, or a restore brought the trigger back.`,
    remedy: `Run the command that the finding names.`,
  },
  trigger_swallows: {
    title: "a trigger of the application's may swallow messages",
    severities: ['warning'],
    meaning: `A BEFORE trigger for each row whose function returns NULL makes the server skip the row, without an error. chatkeep notices that a row did not come
      back and reports the save as failed; other programs believe that the message is kept.`,
    cause: `A filter (spam, doubles, black lists) written as a trigger, or a function written for AFTER triggers, where the result does not matter.`,
    remedy: `Read the function that the finding names. If rows must be refused, RAISE EXCEPTION tells the sender; else RETURN NEW. If its RETURN NULL is never reached by an insert, nothing
      need be done.`,
  },
  function_missing: {
    title: 'a function behind the list of chats is gone',
    severities: ['error'],
    meaning: `The triggers on "ChatMessage" call it. Without it inserts fail, or the list of chats misses what is written.`,
    cause: `Dropped by hand, or a restore brought the triggers without their functions.`,
    remedy: `chatkeep migrate makes it again.`,
  },
  function_differs: {
    title: 'a function behind the list of chats is not ours',
    severities: ['error'],
    meaning: `It has our name and another body, runs with other rights, or looks for its tables in whatever schema the caller's search path says. The last two are also a matter
      of security: it runs with the rights of the owner of the tables.`,
    cause: `Changed by hand, made by another version of chatkeep, or ALTER FUNCTION … SET search_path.`,
    remedy: `chatkeep migrate replaces it. If a newer chatkeep made it, use that one.`,
  },
  function_left: {
    title: "a function of chatkeep's is still there after a rollback",
    severities: ['error'],
    meaning: `A rolled back database has none. By itself it does nothing, but it shows that the rollback was not complete.`,
    cause: `The rollback was interrupted, or a restore brought the function back.`,
    remedy: `Run the command that the finding names.`,
  },
  chats_not_filled: {
    title: 'the list of chats was not filled',
    severities: ['error'],
    meaning: `The list has what was written since its triggers are there, but nobody marked it as holding the chats of before. Recent chats may miss all of those.`,
    cause: `The migration that fills it was interrupted, or a restore, or a COMMENT ON TABLE, took the mark away.`,
    remedy: `chatkeep migrate fills it, beside live traffic. Three seconds for 1.5 million messages where we measured.`,
  },
  chats_missing: {
    title: 'chats are missing in the list of chats',
    severities: ['error'],
    meaning: `There are messages whose chat the list does not have at their time, so operators do not find these chats among the recent ones. Only a sample is
      looked at: the newest messages, and clients taken evenly from all. There may be more.`,
    cause: `Rows came in while triggers did not fire: session_replication_role = replica (logical replication, some restores and imports), or disabled triggers.`,
    remedy: `Take the mark away and let migrate fill the list again, as the finding shows. It does not stop anybody.`,
  },
  chats_not_readable: {
    title: 'the list of chats was not checked: this role may not read it',
    severities: ['note'],
    meaning: `verify ran as a role without SELECT on "chatkeep_chats". If the application uses the same role, it cannot read recent chats either.`,
    cause: `The role was made, or the rights were given, after the migration; or row-level security was on, where the list stays with the owners.`,
    remedy: `GRANT SELECT ON "chatkeep_chats" to the role, as its owner. --application-role NAME checks all rights of another role.`,
  },
} as const satisfies Explanations
