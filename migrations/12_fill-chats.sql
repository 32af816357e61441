-- What was written before the triggers were there. Others go on writing meanwhile: what they note may stand twice, which
-- does no harm. Until it is done the list of chats is not complete; the comment says that it is.
INSERT INTO "chatkeep_chats" ("chat", "period")
SELECT f."chat", f."period"
FROM (
  SELECT "chatkeep_chat"("clientId", "guestUsername") AS "chat",
    "chatkeep_period"(max("createdAt")) AS "period"
  FROM "ChatMessage"
  GROUP BY 1
) AS f
WHERE f."chat" IS NOT NULL
  AND NOT EXISTS (SELECT FROM "chatkeep_chats" AS k WHERE k."chat" = f."chat" AND k."period" >= f."period");

COMMENT ON TABLE "chatkeep_chats" IS 'When each chat was active last, to ten seconds; complete since it was filled';
