-- postgres-migrations disable-transaction
DROP INDEX CONCURRENTLY IF EXISTS "ChatMessage_unread_idx";
