-- Which clients were created for guests is not known otherwise, so the table becomes part of the archive, which only the
-- owner may read. If an interrupted migrate left it there, the rows are added to it.
DO $$
DECLARE
  granted RECORD;
BEGIN
  IF to_regclass('"chatkeep_guest_clients"') IS NULL THEN
    RETURN;
  END IF;
  IF to_regclass('"chatkeep_archive_guest_client"') IS NOT NULL THEN
    INSERT INTO "chatkeep_archive_guest_client" ("clientId")
    SELECT "clientId" FROM "chatkeep_guest_clients"
    ON CONFLICT DO NOTHING;
    DROP TABLE "chatkeep_guest_clients";
    RETURN;
  END IF;
  ALTER TABLE "chatkeep_guest_clients" RENAME TO "chatkeep_archive_guest_client";
  ALTER INDEX IF EXISTS "chatkeep_guest_clients_pkey" RENAME TO "chatkeep_archive_guest_client_pkey";
  FOR granted IN
    SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS "role"
    FROM pg_catalog.pg_class AS c, aclexplode(c.relacl) AS a
    WHERE c.oid = '"chatkeep_archive_guest_client"'::regclass AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('REVOKE ALL ON "chatkeep_archive_guest_client" FROM %s', granted."role");
  END LOOP;
END
$$;
