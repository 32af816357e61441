-- postgres-migrations disable-transaction
-- Recent chats where the newest messages belong to few chats: the chats of each hour, without reading their messages.
CREATE INDEX CONCURRENTLY "ChatMessage_hour_clientId_idx" ON "ChatMessage" (date_trunc('hour', "createdAt"), "clientId");
