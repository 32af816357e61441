-- postgres-migrations disable-transaction
DROP INDEX CONCURRENTLY IF EXISTS "ChatMessage_hour_clientId_idx";
