-- postgres-migrations disable-transaction
CREATE INDEX CONCURRENTLY "ChatMessage_guestUsername_createdAt_idx" ON "ChatMessage" ("guestUsername", "createdAt" DESC);
