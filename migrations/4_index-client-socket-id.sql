-- postgres-migrations disable-transaction
CREATE INDEX CONCURRENTLY "ChatMessage_clientSocketId_createdAt_idx" ON "ChatMessage" ("clientSocketId", "createdAt" DESC);
