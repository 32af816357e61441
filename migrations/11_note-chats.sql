-- Keeps "chatkeep_chats" right whoever writes messages. None of these functions ever waits for a row, so nobody who
-- writes messages can wait for, or deadlock with, another because of them: what is locked is skipped, and where the
-- row to rely on is locked, another is added. They run as their owner: a writer of messages has no rights on the table.
SELECT set_config('search_path', current_setting('search_path') || ', pg_temp', true);

-- The name of a message's chat in "chatkeep_chats"; NULL for a message of nobody.
CREATE OR REPLACE FUNCTION "chatkeep_chat"("clientId" BIGINT, "guestUsername" TEXT) RETURNS TEXT
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN "clientId" IS NULL THEN 'g' || "guestUsername" ELSE 'c' || "clientId" END
$$;

-- The row that a writer relies on is locked until it commits (KEY SHARE), so that nobody takes it away before others can
-- see the message.
CREATE OR REPLACE FUNCTION "chatkeep_note_inserted"() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  "new_chats" TEXT[];
  "new_minutes" TIMESTAMP[];
BEGIN
  SELECT array_agg(a."chat"), array_agg(a."minute")
  INTO "new_chats", "new_minutes"
  FROM (
    SELECT "chatkeep_chat"("clientId", "guestUsername") AS "chat", date_trunc('minute', max("createdAt")) AS "minute"
    FROM "inserted"
    GROUP BY 1
  ) AS a
  LEFT JOIN LATERAL (
    SELECT true AS "held" FROM "chatkeep_chats" AS k
    WHERE k."chat" = a."chat" AND k."minute" >= a."minute"
    LIMIT 1
    FOR KEY SHARE SKIP LOCKED
  ) AS k ON true
  WHERE a."chat" IS NOT NULL AND k."held" IS NULL;
  IF "new_chats" IS NOT NULL THEN
    DELETE FROM "chatkeep_chats" WHERE ctid = ANY (ARRAY(
      SELECT k."place"
      FROM unnest("new_chats", "new_minutes") AS n ("chat", "minute")
      CROSS JOIN LATERAL (
        SELECT c.ctid AS "place" FROM "chatkeep_chats" AS c
        WHERE c."chat" = n."chat" AND c."minute" < n."minute"
        FOR UPDATE SKIP LOCKED
      ) AS k));
    INSERT INTO "chatkeep_chats" ("chat", "minute") SELECT * FROM unnest("new_chats", "new_minutes");
  END IF;
  RETURN NULL;
END
$$;

-- First the rows are locked, then the chat's last message is looked for: whoever relied on such a row has committed by
-- then and is seen, and whoever comes later finds it locked and adds its own.
CREATE OR REPLACE FUNCTION "chatkeep_unnote"("noted" TEXT, "at" TIMESTAMP) RETURNS VOID
LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  "held" TID[] := ARRAY(
    SELECT ctid FROM "chatkeep_chats" WHERE "chat" = "noted" AND "minute" >= "at" FOR UPDATE SKIP LOCKED);
  "last" TIMESTAMP;
BEGIN
  IF "noted" LIKE 'c%' THEN
    SELECT date_trunc('minute', "createdAt") INTO "last" FROM "ChatMessage"
    WHERE "clientId" = substr("noted", 2)::BIGINT ORDER BY "createdAt" DESC LIMIT 1;
  ELSE
    SELECT date_trunc('minute', "createdAt") INTO "last" FROM "ChatMessage"
    WHERE "clientId" IS NULL AND "guestUsername" = substr("noted", 2) ORDER BY "createdAt" DESC LIMIT 1;
  END IF;
  IF "last" IS NOT NULL THEN
    INSERT INTO "chatkeep_chats" ("chat", "minute")
    SELECT "noted", "last" WHERE NOT EXISTS (SELECT FROM "chatkeep_chats" WHERE "chat" = "noted" AND "minute" = "last");
  END IF;
  DELETE FROM "chatkeep_chats" WHERE ctid = ANY ("held") AND ("last" IS NULL OR "minute" > "last");
END
$$;

CREATE OR REPLACE FUNCTION "chatkeep_note_updated"() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  "noted" TEXT := "chatkeep_chat"(NEW."clientId", NEW."guestUsername");
  "at" TIMESTAMP := date_trunc('minute', NEW."createdAt");
BEGIN
  PERFORM FROM "chatkeep_chats" WHERE "chat" = "noted" AND "minute" >= "at" LIMIT 1 FOR KEY SHARE SKIP LOCKED;
  IF NOT FOUND AND "noted" IS NOT NULL THEN
    INSERT INTO "chatkeep_chats" ("chat", "minute") VALUES ("noted", "at");
  END IF;
  PERFORM "chatkeep_unnote"("chatkeep_chat"(OLD."clientId", OLD."guestUsername"), date_trunc('minute', OLD."createdAt"));
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION "chatkeep_note_deleted"() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM "chatkeep_unnote"(d."chat", d."minute")
  FROM (
    SELECT "chatkeep_chat"("clientId", "guestUsername") AS "chat", date_trunc('minute', min("createdAt")) AS "minute"
    FROM "deleted"
    GROUP BY 1
  ) AS d
  WHERE d."chat" IS NOT NULL;
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION "chatkeep_note_truncated"() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  DELETE FROM "chatkeep_chats";
  RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION "chatkeep_unnote"(TEXT, TIMESTAMP), "chatkeep_note_inserted"(), "chatkeep_note_updated"(),
  "chatkeep_note_deleted"(), "chatkeep_note_truncated"() FROM PUBLIC;

CREATE OR REPLACE TRIGGER "chatkeep_note_inserted" AFTER INSERT ON "ChatMessage"
  REFERENCING NEW TABLE AS "inserted" FOR EACH STATEMENT EXECUTE FUNCTION "chatkeep_note_inserted"();
CREATE OR REPLACE TRIGGER "chatkeep_note_updated" AFTER UPDATE OF "clientId", "guestUsername", "createdAt" ON "ChatMessage"
  FOR EACH ROW WHEN ((OLD."clientId", OLD."guestUsername", OLD."createdAt") IS DISTINCT FROM (NEW."clientId", NEW."guestUsername", NEW."createdAt"))
  EXECUTE FUNCTION "chatkeep_note_updated"();
CREATE OR REPLACE TRIGGER "chatkeep_note_deleted" AFTER DELETE ON "ChatMessage"
  REFERENCING OLD TABLE AS "deleted" FOR EACH STATEMENT EXECUTE FUNCTION "chatkeep_note_deleted"();
CREATE OR REPLACE TRIGGER "chatkeep_note_truncated" AFTER TRUNCATE ON "ChatMessage"
  FOR EACH STATEMENT EXECUTE FUNCTION "chatkeep_note_truncated"();
