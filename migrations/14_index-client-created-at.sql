-- postgres-migrations disable-transaction
CREATE INDEX CONCURRENTLY "Client_createdAt_brin" ON "Client" USING brin ("createdAt") WITH (pages_per_range = 32, autosummarize = on);
