import type { Explanations } from './explanation.js'

export const ROWS = {
  doubled_idempotency_keys: {
    title: 'an idempotency key has more than one message',
    severities: ['error'],
    meaning: `A key stands for one message for ever: who sends it again gets the first one's answer. With two messages under a key one of them was stored twice, and the unique
      index that should prevent it cannot be built.`,
    cause: `The unique index was missing or INVALID for a while, and senders tried again.`,
    remedy: `The finding shows the query that lists them. Keep one message of each key and set the key of the others to NULL, or delete them; then chatkeep migrate.`,
  },
  unlinked_messages: {
    title: "guests' messages are not linked to the client of their name",
    severities: ['warning'],
    meaning: `These messages carry the name of a client that exists, but no "clientId". They are kept, and shown in the guest's history, but lists that go by client miss them.`,
    cause: `They were saved while the client could not be found or made (a lock, a time-out: a message is never lost to its contact), or by a program that does not link them.`,
    remedy: `chatkeep reconcile links them, in batches beside live traffic.`,
  },
  ownerless_messages: {
    title: 'messages have neither client nor guest name',
    severities: ['warning'],
    meaning: `Nobody can say whose they are, so no history shows them. A rollback has to take them out of the table (it archives them).`,
    cause: `Another program wrote them, or a client was deleted and the messages kept. chatkeep itself refuses a message without any contact.`,
    remedy: `Look at them with the query of the finding; "clientSocketId" or "sessionId" may tell whose they are. Set "clientId" or "guestUsername".`,
  },
  orphaned_messages: {
    title: 'messages point at a client that is not there',
    severities: ['error'],
    meaning: `Their "clientId" is the id of nobody. They are counted, but belong to a chat that nobody can open, and if the id is ever given again they become another
      person's. Only asked where no valid foreign key rules it out.`,
    cause: `Clients were deleted while the foreign key was missing, NOT VALID, or its triggers were disabled.`,
    remedy: `Restore the clients from a backup, or set "clientId" to NULL where the message has a "guestUsername" (chatkeep reconcile links it then). After that add or validate the
      foreign key.`,
  },
  future_messages: {
    title: 'messages are dated in the future',
    severities: ['warning'],
    meaning: `"createdAt" is more than a day ahead. Such a message stays the newest of its chat, and the chat the first of the list, until that day; metrics by time miss it.`,
    cause: `A sender's clock, a date given in milliseconds instead of seconds or the reverse, an import with swapped fields.`,
    remedy: `Look at the rows named and correct "createdAt". The list of chats follows by itself.`,
  },
  usernames_not_normal: {
    title: 'names of clients are written as no guest can write them',
    severities: ['warning'],
    meaning: `chatkeep trims white space around a guest's name and brings it to Unicode form NFC. A client whose name has outer white space, or is in another form, looks the same
      and is never found: the guest gets a second client, and his history is split.`,
    cause: `An import, or a program that stores names as they were typed.`,
    remedy: `UPDATE those names to their normal form. Where that name is taken already the two clients are one person: merge them, then chatkeep reconcile.`,
  },
  unverified_without_guest: {
    title: "messages are marked as an unverified guest's, but name no guest",
    severities: ['warning'],
    meaning: `The mark says: written under the name of a client, without proof. Without "guestUsername" there is no such name, so the mark is wrong or the name was lost. Only the
      newest messages are looked at.`,
    cause: `Another program set the mark, or cleared the name.`,
    remedy: `Look at the rows named. Set "guestUnverified" to false where the sender is known.`,
  },
} as const satisfies Explanations
