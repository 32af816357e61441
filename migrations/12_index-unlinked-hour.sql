-- postgres-migrations disable-transaction
-- Recent chats of guests without client, by hour. Messages with a client do not update this index.
-- IS NOT FALSE keeps the planner from looking up a guest's name here.
CREATE INDEX CONCURRENTLY "ChatMessage_unlinked_hour_idx" ON "ChatMessage" (date_trunc('hour', "createdAt"), "guestUsername") WHERE ("clientId" IS NULL) IS NOT FALSE;
