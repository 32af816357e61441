-- Keeps "chatkeep_chats" right whoever writes messages. None of these functions ever waits for a row, so nobody who
-- writes messages can wait for, or deadlock with, another because of them: what is locked is skipped, and where the
-- row to rely on is locked, another is added. The triggers run as their owner: a writer of messages has no rights on
-- the table.

-- The name of a message's chat in "chatkeep_chats"; NULL for a message of nobody.
CREATE OR REPLACE FUNCTION "chatkeep_chat"("clientId" BIGINT, "guestUsername" TEXT) RETURNS TEXT
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN "clientId" IS NULL THEN 'g' || "guestUsername" ELSE 'c' || "clientId"::TEXT END
$$;

-- The ten seconds in which an instant is, by their first instant: fine enough for few chats to share them, and coarse
-- enough for a lively chat to need no new row with each message.
CREATE OR REPLACE FUNCTION "chatkeep_period"("at" TIMESTAMP) RETURNS TIMESTAMP
LANGUAGE sql IMMUTABLE AS $$
  SELECT date_bin('10 seconds', "at", TIMESTAMP '2000-01-01')
$$;

-- The row that a writer relies on is locked until it commits (KEY SHARE), so that nobody takes it away before others can
-- see the message.
CREATE OR REPLACE FUNCTION "chatkeep_note"("chats" TEXT[], "periods" TIMESTAMP[]) RETURNS VOID
LANGUAGE plpgsql AS $$
DECLARE
  "new_chats" TEXT[];
  "new_periods" TIMESTAMP[];
BEGIN
  SELECT array_agg(a."chat"), array_agg(a."period")
  INTO "new_chats", "new_periods"
  FROM unnest("chats", "periods") AS a ("chat", "period")
  LEFT JOIN LATERAL (
    SELECT true AS "held" FROM "chatkeep_chats" AS k
    WHERE k."chat" = a."chat" AND k."period" >= a."period"
    LIMIT 1
    FOR KEY SHARE SKIP LOCKED
  ) AS k ON true
  WHERE k."held" IS NULL;
  IF "new_chats" IS NOT NULL THEN
    DELETE FROM "chatkeep_chats" WHERE ctid = ANY (ARRAY(
      SELECT k."place"
      FROM unnest("new_chats", "new_periods") AS n ("chat", "period")
      CROSS JOIN LATERAL (
        SELECT c.ctid AS "place" FROM "chatkeep_chats" AS c
        WHERE c."chat" = n."chat" AND c."period" < n."period"
        FOR UPDATE SKIP LOCKED
      ) AS k));
    INSERT INTO "chatkeep_chats" ("chat", "period") SELECT * FROM unnest("new_chats", "new_periods");
  END IF;
END
$$;

-- A transaction that keeps its snapshot cannot lock a row that is gone since, and must not fail for that.
CREATE OR REPLACE FUNCTION "chatkeep_note_in_snapshot"("chats" TEXT[], "periods" TIMESTAMP[]) RETURNS VOID
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM "chatkeep_note"("chats", "periods");
EXCEPTION WHEN serialization_failure THEN
  INSERT INTO "chatkeep_chats" ("chat", "period") SELECT * FROM unnest("chats", "periods");
END
$$;

-- The period of a chat's last message.
CREATE OR REPLACE FUNCTION "chatkeep_last"("noted" TEXT) RETURNS TIMESTAMP
LANGUAGE plpgsql STRICT AS $$
BEGIN
  IF "noted" LIKE 'c%' THEN
    RETURN (SELECT "chatkeep_period"("createdAt") FROM "ChatMessage"
      WHERE "clientId" = substr("noted", 2)::BIGINT ORDER BY "createdAt" DESC LIMIT 1);
  END IF;
  RETURN (SELECT "chatkeep_period"("createdAt") FROM "ChatMessage"
    WHERE "clientId" IS NULL AND "guestUsername" = substr("noted", 2) ORDER BY "createdAt" DESC LIMIT 1);
END
$$;

-- First the rows are locked, then the chat's last message is looked for: whoever relied on such a row has committed by
-- then and is seen, and whoever comes later finds it locked and adds its own. A transaction that keeps its snapshot would
-- not see it, so it takes nothing away; a row that is too late does no harm.
CREATE OR REPLACE FUNCTION "chatkeep_unnote"("noted" TEXT, "at" TIMESTAMP) RETURNS VOID
LANGUAGE plpgsql STRICT AS $$
DECLARE
  "held" TID[];
  "last" TIMESTAMP;
BEGIN
  IF current_setting('transaction_isolation') NOT LIKE 'read%' THEN
    RETURN;
  END IF;
  "held" := ARRAY(
    SELECT ctid FROM "chatkeep_chats" WHERE "chat" = "noted" AND "period" >= "at" FOR UPDATE SKIP LOCKED);
  -- Nothing to take away. Also what keeps an UPDATE of all messages of a chat from looking for its last once a message.
  IF "held" = '{}' THEN
    RETURN;
  END IF;
  "last" := "chatkeep_last"("noted");
  IF "last" IS NOT NULL THEN
    INSERT INTO "chatkeep_chats" ("chat", "period")
    SELECT "noted", "last" WHERE NOT EXISTS (SELECT FROM "chatkeep_chats" WHERE "chat" = "noted" AND "period" = "last");
  END IF;
  DELETE FROM "chatkeep_chats" WHERE ctid = ANY ("held") AND ("last" IS NULL OR "period" > "last");
END
$$;

CREATE OR REPLACE FUNCTION "chatkeep_note_inserted"() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  "chats" TEXT[];
  "periods" TIMESTAMP[];
BEGIN
  SELECT array_agg(a."chat"), array_agg(a."period")
  INTO "chats", "periods"
  FROM (
    SELECT "chatkeep_chat"("clientId", "guestUsername") AS "chat", "chatkeep_period"(max("createdAt")) AS "period"
    FROM "inserted"
    GROUP BY 1
  ) AS a
  WHERE a."chat" IS NOT NULL;
  IF current_setting('transaction_isolation') LIKE 'read%' THEN
    PERFORM "chatkeep_note"("chats", "periods");
  ELSE
    PERFORM "chatkeep_note_in_snapshot"("chats", "periods");
  END IF;
  RETURN NULL;
END
$$;

-- Notes the period of the chat's last message, not of this one: an UPDATE of many messages then adds one row, not one a period.
CREATE OR REPLACE FUNCTION "chatkeep_note_updated"() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  "chat" TEXT := "chatkeep_chat"(NEW."clientId", NEW."guestUsername");
  "period" TIMESTAMP := greatest("chatkeep_period"(NEW."createdAt"), "chatkeep_last"("chat"));
BEGIN
  IF "chat" IS NULL THEN
    NULL;
  ELSIF current_setting('transaction_isolation') LIKE 'read%' THEN
    PERFORM "chatkeep_note"(ARRAY["chat"], ARRAY["period"]);
  ELSE
    PERFORM "chatkeep_note_in_snapshot"(ARRAY["chat"], ARRAY["period"]);
  END IF;
  PERFORM "chatkeep_unnote"("chatkeep_chat"(OLD."clientId", OLD."guestUsername"), "chatkeep_period"(OLD."createdAt"));
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION "chatkeep_note_deleted"() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  PERFORM "chatkeep_unnote"(d."chat", d."period")
  FROM (
    SELECT "chatkeep_chat"("clientId", "guestUsername") AS "chat", "chatkeep_period"(min("createdAt")) AS "period"
    FROM "deleted"
    GROUP BY 1
  ) AS d
  WHERE d."chat" IS NOT NULL;
  RETURN NULL;
END
$$;

-- Whoever truncates is alone: no row of the list can be locked by a writer of messages.
CREATE OR REPLACE FUNCTION "chatkeep_note_truncated"() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  IF current_setting('transaction_isolation') LIKE 'read%' THEN
    DELETE FROM "chatkeep_chats";
  END IF;
  RETURN NULL;
END
$$;

-- What runs as its owner looks for tables in our schema only, and nobody else may make a trigger of it. Planned once a
-- session: planned at each call, which the server would choose for arrays, they cost three times as much.
DO $$
DECLARE
  "trigger_function" RECORD;
  "granted" RECORD;
BEGIN
  FOR "trigger_function" IN
    SELECT p.oid, p.oid::regprocedure AS "name", quote_ident(n.nspname) AS "schema"
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    WHERE p.oid IN ('"chatkeep_note_inserted"()'::regprocedure, '"chatkeep_note_updated"()'::regprocedure,
      '"chatkeep_note_deleted"()'::regprocedure, '"chatkeep_note_truncated"()'::regprocedure)
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %s, pg_temp', "trigger_function"."name", "trigger_function"."schema");
    EXECUTE format('ALTER FUNCTION %s SET plan_cache_mode = force_generic_plan', "trigger_function"."name");
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', "trigger_function"."name");
    FOR "granted" IN
      SELECT a.grantee::regrole AS "role"
      FROM pg_catalog.pg_proc AS p, aclexplode(p.proacl) AS a
      WHERE p.oid = "trigger_function".oid AND a.grantee NOT IN (0, p.proowner)
    LOOP
      EXECUTE format('REVOKE ALL ON FUNCTION %s FROM %s', "trigger_function"."name", "granted"."role");
    END LOOP;
  END LOOP;
END
$$;

DROP TRIGGER IF EXISTS "chatkeep_note_inserted" ON "ChatMessage";
CREATE TRIGGER "chatkeep_note_inserted" AFTER INSERT ON "ChatMessage"
  REFERENCING NEW TABLE AS "inserted" FOR EACH STATEMENT EXECUTE FUNCTION "chatkeep_note_inserted"();

-- Only for what moves a message to another chat or time: marking as read must not pay for it.
DROP TRIGGER IF EXISTS "chatkeep_note_updated" ON "ChatMessage";
CREATE TRIGGER "chatkeep_note_updated" AFTER UPDATE ON "ChatMessage"
  FOR EACH ROW WHEN (OLD."clientId" IS DISTINCT FROM NEW."clientId"
    OR (NEW."clientId" IS NULL AND OLD."guestUsername" IS DISTINCT FROM NEW."guestUsername")
    OR OLD."createdAt" IS DISTINCT FROM NEW."createdAt")
  EXECUTE FUNCTION "chatkeep_note_updated"();

DROP TRIGGER IF EXISTS "chatkeep_note_deleted" ON "ChatMessage";
CREATE TRIGGER "chatkeep_note_deleted" AFTER DELETE ON "ChatMessage"
  REFERENCING OLD TABLE AS "deleted" FOR EACH STATEMENT EXECUTE FUNCTION "chatkeep_note_deleted"();

DROP TRIGGER IF EXISTS "chatkeep_note_truncated" ON "ChatMessage";
CREATE TRIGGER "chatkeep_note_truncated" AFTER TRUNCATE ON "ChatMessage"
  FOR EACH STATEMENT EXECUTE FUNCTION "chatkeep_note_truncated"();

-- What was written while they were not there is not in the list: the next migration fills it.
COMMENT ON TABLE "chatkeep_chats" IS NULL;
