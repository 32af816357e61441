-- The list of chats can be made again from the messages. Which clients were made of guests cannot: that is archived.
DROP TABLE IF EXISTS "chatkeep_chats";
ALTER TABLE IF EXISTS "chatkeep_guest_clients" RENAME TO "chatkeep_archive_guest_client";
ALTER INDEX IF EXISTS "chatkeep_guest_clients_pkey" RENAME TO "chatkeep_archive_guest_client_pkey";
