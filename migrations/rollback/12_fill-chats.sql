COMMENT ON TABLE "chatkeep_chats" IS NULL;
