-- postgres-migrations disable-transaction
-- A block range index: a few pages for millions of messages, since messages lie in the table in the order they came.
CREATE INDEX CONCURRENTLY "ChatMessage_createdAt_brin" ON "ChatMessage" USING brin ("createdAt") WITH (pages_per_range = 32, autosummarize = on);
