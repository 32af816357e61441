-- Runs once a validated CHECK guards "clientId": then SET NOT NULL reads no row. As ONE statement with DROP CONSTRAINT
-- it would read the whole table under an exclusive lock. The guest columns are archived before they go.
ALTER TABLE "ChatMessage" ALTER COLUMN "clientId" SET NOT NULL;
ALTER TABLE "ChatMessage" DROP CONSTRAINT IF EXISTS "chatkeep_clientId_not_null";
ALTER TABLE "ChatMessage"
  DROP COLUMN IF EXISTS "guestUsername",
  DROP COLUMN IF EXISTS "guestPhone";
