-- The sender's own name for a message, so that a resend is recognised for ever.
ALTER TABLE "ChatMessage"
  ADD COLUMN IF NOT EXISTS "idempotencyKey" TEXT;

COMMENT ON COLUMN "ChatMessage"."idempotencyKey" IS 'Given by the sender, unique for ever: the same key is the same message';
