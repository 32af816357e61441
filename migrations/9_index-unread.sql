-- postgres-migrations disable-transaction
CREATE INDEX CONCURRENTLY "ChatMessage_unread_idx" ON "ChatMessage" ("clientId", "id") WHERE NOT "isRead" AND "senderType" = 'CLIENT';
