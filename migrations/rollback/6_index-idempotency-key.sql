-- postgres-migrations disable-transaction
DROP INDEX CONCURRENTLY IF EXISTS "ChatMessage_idempotencyKey_key";
