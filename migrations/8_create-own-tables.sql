-- Clients that were made of guests: whoever writes under such a name is that guest, not somebody who took a client's name.
CREATE TABLE IF NOT EXISTS "chatkeep_guest_clients" (
  "clientId" BIGINT NOT NULL,
  CONSTRAINT "chatkeep_guest_clients_pkey" PRIMARY KEY ("clientId")
);

-- Which chat was active when, to ten seconds: 'c' and the client's id, or 'g' and the name of a guest without client.
-- Every chat has a row that is at least as late as its last message; a later row takes the place of the earlier ones.
CREATE TABLE IF NOT EXISTS "chatkeep_chats" (
  "chat" TEXT NOT NULL,
  "period" TIMESTAMP NOT NULL
);
CREATE INDEX IF NOT EXISTS "chatkeep_chats_chat_period_idx" ON "chatkeep_chats" ("chat", "period");
CREATE INDEX IF NOT EXISTS "chatkeep_chats_period_idx" ON "chatkeep_chats" ("period" DESC);

-- Nobody gets more than he has: who may read messages may read the list of chats, who may make clients may note guests.
-- Behind row-level security a list of all chats would show what the rows hide, so there only the owners may.
DO $$
DECLARE
  granted RECORD;
BEGIN
  FOR granted IN
    SELECT DISTINCT c.oid::regclass AS "table", CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS "role"
    FROM pg_catalog.pg_class AS c, aclexplode(c.relacl) AS a
    WHERE c.oid IN ('"chatkeep_guest_clients"'::regclass, '"chatkeep_chats"'::regclass) AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('REVOKE ALL ON %s FROM %s', granted."table", granted."role");
  END LOOP;
  FOR granted IN
    SELECT DISTINCT g."own", g."rights", CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS "role"
    FROM (VALUES
      ('"ChatMessage"'::regclass, 'SELECT', '"chatkeep_chats"', 'SELECT'),
      ('"Client"'::regclass, 'INSERT', '"chatkeep_guest_clients"', 'SELECT, INSERT')
    ) AS g ("table", "privilege", "own", "rights")
    JOIN pg_catalog.pg_class AS c ON c.oid = g."table"
    CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS a
    WHERE a.privilege_type = g."privilege" AND (a.grantee = c.relowner OR NOT c.relrowsecurity)
  LOOP
    EXECUTE format('GRANT %s ON %s TO %s', granted."rights", granted."own", granted."role");
  END LOOP;
END
$$;
