-- Clients that were created for guests. A later message with such a client's name comes from the same guest; under the
-- name of any other client it is marked as unverified.
CREATE TABLE IF NOT EXISTS "chatkeep_guest_clients" (
  "clientId" BIGINT NOT NULL,
  CONSTRAINT "chatkeep_guest_clients_pkey" PRIMARY KEY ("clientId")
);

-- Repairs a table whose primary key was dropped; otherwise the index exists.
CREATE UNIQUE INDEX IF NOT EXISTS "chatkeep_guest_clients_pkey" ON "chatkeep_guest_clients" ("clientId");

-- Roles that may insert clients may read and add rows here; default privileges of the schema are revoked. With row-level
-- security on "Client", only the owner may: this table would show clients that the policies hide.
DO $$
DECLARE
  granted RECORD;
BEGIN
  FOR granted IN
    SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS "role"
    FROM pg_catalog.pg_class AS c, aclexplode(c.relacl) AS a
    WHERE c.oid = '"chatkeep_guest_clients"'::regclass AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('REVOKE ALL ON "chatkeep_guest_clients" FROM %s', granted."role");
  END LOOP;
  FOR granted IN
    SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS "role"
    FROM pg_catalog.pg_class AS c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS a
    WHERE c.oid = '"Client"'::regclass AND a.privilege_type = 'INSERT'
      AND (a.grantee = c.relowner OR NOT c.relrowsecurity)
  LOOP
    EXECUTE format('GRANT SELECT, INSERT ON "chatkeep_guest_clients" TO %s', granted."role");
  END LOOP;
END
$$;
