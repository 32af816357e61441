-- postgres-migrations disable-transaction
DROP INDEX CONCURRENTLY IF EXISTS "ChatMessage_guestUsername_createdAt_idx";
