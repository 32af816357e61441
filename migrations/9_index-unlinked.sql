-- postgres-migrations disable-transaction
-- The chats of guests without client.
CREATE INDEX CONCURRENTLY "ChatMessage_unlinked_idx" ON "ChatMessage" ("guestUsername", "createdAt" DESC) WHERE "clientId" IS NULL;
