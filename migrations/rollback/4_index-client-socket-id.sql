-- postgres-migrations disable-transaction
DROP INDEX CONCURRENTLY IF EXISTS "ChatMessage_clientSocketId_createdAt_idx";
