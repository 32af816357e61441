-- A guest may give a registered client's name. Such a message belongs to that client's chat, and is marked as unproven.
-- A constant default changes only the catalog: no row is rewritten.
ALTER TABLE "ChatMessage"
  ADD COLUMN IF NOT EXISTS "guestUnverified" BOOLEAN NOT NULL DEFAULT false;

COMMENT ON COLUMN "ChatMessage"."guestUnverified" IS 'Written under the name of a client who was there before, without proof';
