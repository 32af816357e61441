-- postgres-migrations disable-transaction
-- Recent chats, by reading the newest messages backward, and metrics over a period.
CREATE INDEX CONCURRENTLY "ChatMessage_createdAt_clientId_idx" ON "ChatMessage" ("createdAt", "clientId");
