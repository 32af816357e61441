-- postgres-migrations disable-transaction
-- Recent chats of guests without client, by time. Messages with a client do not update this index.
CREATE INDEX CONCURRENTLY "ChatMessage_unlinked_createdAt_idx" ON "ChatMessage" ("createdAt" NULLS FIRST, "guestUsername") WHERE "clientId" IS NULL;
