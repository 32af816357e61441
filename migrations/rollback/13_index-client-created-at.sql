-- postgres-migrations disable-transaction
DROP INDEX CONCURRENTLY IF EXISTS "Client_createdAt_brin";
