-- postgres-migrations disable-transaction
CREATE UNIQUE INDEX CONCURRENTLY "ChatMessage_idempotencyKey_key" ON "ChatMessage" ("idempotencyKey");
