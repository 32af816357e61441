-- postgres-migrations disable-transaction
-- New clients of a period, for metrics. Rows lie in the table in the order of their time, so a block range index of a few
-- pages is enough.
CREATE INDEX CONCURRENTLY "Client_createdAt_brin" ON "Client" USING brin ("createdAt") WITH (pages_per_range = 32, autosummarize = on);
