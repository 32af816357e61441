-- postgres-migrations disable-transaction
CREATE INDEX CONCURRENTLY "ChatMessage_unlinked_idx" ON "ChatMessage" ("guestUsername", "createdAt" DESC) WHERE "clientId" IS NULL;
