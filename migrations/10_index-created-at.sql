-- postgres-migrations disable-transaction
-- Recent chats, by reading the newest messages backward, and metrics over a period. NULLS FIRST keeps this index from
-- serving ORDER BY "createdAt": for a chat with many old messages, the planner would read all newer ones of other chats.
CREATE INDEX CONCURRENTLY "ChatMessage_createdAt_clientId_idx" ON "ChatMessage" ("createdAt" NULLS FIRST, "clientId");
