-- postgres-migrations disable-transaction
-- The chats of guests without client. IS TRUE keeps the planner from reading all of their messages by an index on "clientId",
-- which it does while its statistics say that there are none.
CREATE INDEX CONCURRENTLY "ChatMessage_unlinked_idx" ON "ChatMessage" ("guestUsername", "createdAt" DESC) WHERE ("clientId" IS NULL) IS TRUE;
