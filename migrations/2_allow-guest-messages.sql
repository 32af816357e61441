-- A message may belong to somebody who is not a client yet. One ALTER TABLE: one lock, and only the catalog changes.
ALTER TABLE "ChatMessage"
  ALTER COLUMN "clientId" DROP NOT NULL,
  ADD COLUMN IF NOT EXISTS "guestUsername" TEXT,
  ADD COLUMN IF NOT EXISTS "guestPhone" TEXT;

COMMENT ON COLUMN "ChatMessage"."guestUsername" IS 'Name the guest gave; kept also once the guest is a client';
COMMENT ON COLUMN "ChatMessage"."guestPhone" IS 'Phone the guest gave, as given; may belong to somebody else';
