-- postgres-migrations disable-transaction
-- Unread messages of clients: counts per chat, and marking a chat as read.
CREATE INDEX CONCURRENTLY "ChatMessage_unread_idx" ON "ChatMessage" ("clientId", "createdAt") WHERE NOT "isRead" AND "senderType" OPERATOR(pg_catalog.=) 'CLIENT';
