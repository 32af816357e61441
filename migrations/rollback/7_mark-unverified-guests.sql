-- The marks are archived before they go.
ALTER TABLE "ChatMessage"
  DROP COLUMN IF EXISTS "guestUnverified";
