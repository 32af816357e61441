-- postgres-migrations disable-transaction
-- Recent chats of guests without client, by hour. Messages with a client do not update this index.
CREATE INDEX CONCURRENTLY "ChatMessage_unlinked_hour_idx" ON "ChatMessage" (date_trunc('hour', "createdAt"), "guestUsername") WHERE "clientId" IS NULL;
