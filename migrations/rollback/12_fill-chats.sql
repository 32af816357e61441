-- The list goes with its table. What says that it is complete goes first.
DO $$
BEGIN
  IF to_regclass('"chatkeep_chats"') IS NOT NULL THEN
    COMMENT ON TABLE "chatkeep_chats" IS NULL;
  END IF;
END
$$;
