/** One more message for each of these, in the week that the tests look at: what is odd about it is in its text. */
export const ODD_CHAT = `
  INSERT INTO "User" ("name", "username", "passwordHash", "updatedAt") VALUES ('ann', 'ann', '-', now());
  INSERT INTO "Client" ("createdAt", "updatedAt", "username")
  SELECT '2026-05-20'::timestamp + n * interval '5 hours', now(), 'guest ' || n FROM generate_series(1, 80) AS n;
  INSERT INTO chatkeep.guest_clients ("clientId") SELECT "id" FROM "Client" WHERE "id" % 3 <> 0;
  INSERT INTO chatkeep.guest_clients ("clientId") VALUES (4000000000);

  INSERT INTO "ChatMessage" ("createdAt", "clientId", "guestUsername", "guestUnverified", "senderType", "operatorId", "messageType", "isRead")
  SELECT '2026-05-25'::timestamp + n * interval '29 minutes 13 seconds',
    CASE WHEN n % 5 > 0 THEN 1 + (n * 37) % 40 END,
    CASE WHEN n % 5 = 0 OR n % 3 = 0 THEN 'guest ' || (n * 37) % 90 END,
    n % 15 = 1, (CASE WHEN n % 7 < 4 THEN 'CLIENT' ELSE 'OPERATOR' END)::"MessageSenderType",
    CASE WHEN n % 7 >= 4 THEN 1 END, 'TEXT', n % 11 > 0
  FROM generate_series(1, 1000) AS n;

  INSERT INTO "ChatMessage" ("createdAt", "clientId", "guestUsername", "senderType", "messageType", "text") VALUES
    ('2026-06-01', 50, NULL, 'CLIENT', 'TEXT', 'at the very start, which is not in the window'),
    ('2026-06-01 00:00:00.001', 51, NULL, 'CLIENT', 'TEXT', 'a millisecond later'),
    ('2026-06-08', 52, NULL, 'CLIENT', 'TEXT', 'at the very end, which is in the window'),
    ('2026-06-08 00:00:00.001', 53, NULL, 'CLIENT', 'TEXT', 'a millisecond too late'),
    ('2026-06-07 23:50', 54, NULL, 'CLIENT', 'TEXT', 'not yet 15 minutes old at the end'),
    ('2026-06-07 23:45', 55, NULL, 'CLIENT', 'TEXT', '15 minutes old at the end'),
    ('2026-06-02', 56, NULL, 'OPERATOR', 'TEXT', 'the operator begins'),
    ('2026-06-02 00:01', 56, NULL, 'CLIENT', 'TEXT', 'and is answered'),
    ('2026-06-02 00:02', 56, NULL, 'OPERATOR', 'TEXT', 'which counts as no first answer'),
    ('2026-06-03', NULL, NULL, 'CLIENT', 'TEXT', 'of nobody'),
    ('2026-06-03 00:01', NULL, NULL, 'OPERATOR', 'TEXT', 'to nobody'),
    ('2026-06-03', NULL, '', 'CLIENT', 'TEXT', 'a blank name'),
    ('2026-06-03', NULL, E'o''neil "\\\\', 'CLIENT', 'TEXT', 'a name with quotes'),
    ('2026-06-03', NULL, '57', 'CLIENT', 'TEXT', 'a name that is the id of another'),
    ('2026-06-03', 57, NULL, 'CLIENT', 'TEXT', 'that other'),
    (now() AT TIME ZONE 'UTC' + interval '1 hour', NULL, 'ahead', 'CLIENT', 'TEXT', 'from a clock that runs ahead'),
    ('infinity', 58, 'never', 'CLIENT', 'TEXT', 'at the end of time'),
    ('-infinity', 59, 'never', 'CLIENT', 'TEXT', 'at its start');
  CREATE INDEX "ChatMessage_broken_idx" ON "ChatMessage" ("text");
  UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"ChatMessage_broken_idx"'::regclass;
  ANALYZE "ChatMessage", "Client"`

const IN = `m."createdAt" > $1::timestamp AND m."createdAt" <= $2::timestamp`
const END = `least($2::timestamp, now() AT TIME ZONE 'UTC')`
/** A conversation as a text: of a client, a guest name or nobody. */
const CHAT = `coalesce('client ' || m."clientId", 'guest ' || m."guestUsername", 'nobody')`

const count = (condition: string): string => `SELECT count(*)::float FROM "ChatMessage" AS m WHERE ${condition}`

const withReason = (reason: string): string => count(`${IN} AND m."clientId" IS NULL AND ${reason}`)
const HAS_CLIENT = `EXISTS (SELECT FROM "Client" AS c WHERE c."username" = m."guestUsername")`

const answerTimes = (share: number): string => `
  WITH m AS (SELECT m.*, ${CHAT} AS "chat" FROM "ChatMessage" AS m WHERE ${IN})
  SELECT percentile_cont(${share}) WITHIN GROUP (ORDER BY extract(epoch FROM "answer" - "question")::float)
  FROM (
    SELECT DISTINCT "chat", (SELECT min("createdAt") FROM m AS q WHERE q."chat" = m."chat" AND q."senderType" = 'CLIENT') AS "question",
      (SELECT min("createdAt") FROM m AS a WHERE a."chat" = m."chat" AND a."senderType" = 'OPERATOR') AS "answer" FROM m
  ) AS t
  WHERE "answer" > "question"`

/** What each metric of the chat should come to, computed the plain way. Parameters: the window. */
export const SLOW: Readonly<Record<string, string>> = {
  clients_created: `SELECT count(*)::float FROM "Client" AS m WHERE ${IN}`,
  guest_clients_created: `SELECT count(*)::float FROM "Client" AS m WHERE ${IN} AND "id" IN (SELECT "clientId" FROM chatkeep.guest_clients)`,
  guest_clients_daily_mean: `SELECT round(count(*) / 7.0, 2)::float FROM "Client" AS m
    WHERE m."createdAt" BETWEEN $1::timestamp - interval '7 days' + interval '1 microsecond' AND $1::timestamp AND $2::timestamp IS NOT NULL
      AND "id" IN (SELECT "clientId" FROM chatkeep.guest_clients)`,
  guest_messages: count(`m."guestUsername" IS NOT NULL AND ${IN}`),
  messages_without_client: count('m."clientId" IS NULL AND $1::timestamp <> $2::timestamp'),
  'messages_without_client_by_reason no_name': withReason(`m."guestUsername" IS NULL`),
  'messages_without_client_by_reason no_client': withReason(`m."guestUsername" IS NOT NULL AND NOT ${HAS_CLIENT}`),
  'messages_without_client_by_reason not_linked': withReason(HAS_CLIENT),
  'messages CLIENT': count(`${IN} AND "senderType" = 'CLIENT'`),
  'messages OPERATOR': count(`${IN} AND "senderType" = 'OPERATOR'`),
  active_guests: `SELECT count(DISTINCT ${CHAT})::float FROM "ChatMessage" AS m WHERE ${IN} AND m."guestUsername" IS NOT NULL`,
  active_conversations: `SELECT count(DISTINCT nullif(${CHAT}, 'nobody'))::float FROM "ChatMessage" AS m WHERE ${IN}`,
  unverified_messages: count(`${IN} AND m."guestUnverified"`),
  'first_answer_seconds 50': answerTimes(0.5),
  'first_answer_seconds 95': answerTimes(0.95),
  unanswered_conversations: `
    WITH m AS (SELECT m.*, ${CHAT} AS "chat" FROM "ChatMessage" AS m WHERE ${IN})
    SELECT count(DISTINCT m."chat")::float FROM m
    WHERE m."senderType" = 'CLIENT' AND m."createdAt" <= ${END} - interval '15 minutes' AND NOT EXISTS (
      SELECT FROM m AS a WHERE a."chat" = m."chat" AND a."senderType" = 'OPERATOR' AND a."createdAt" >= m."createdAt")`,
  unread_messages: count(`NOT "isRead" AND "senderType" = 'CLIENT' AND $1::timestamp <> $2::timestamp`),
  oldest_unread_seconds: `
    SELECT CASE WHEN count(*) > 0 THEN greatest(0, extract(epoch FROM ${END} - min(m."createdAt"))) END::float FROM "ChatMessage" AS m
    WHERE ${IN} AND NOT m."isRead" AND m."senderType" = 'CLIENT' AND isfinite(m."createdAt")`,
  newest_message_seconds: `
    SELECT greatest(0, extract(epoch FROM now() AT TIME ZONE 'UTC' - max(m."createdAt")))::float FROM "ChatMessage" AS m
    WHERE isfinite(m."createdAt") AND $1::timestamp <> $2::timestamp`,
}
