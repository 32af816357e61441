/**
 * Finds sessions of this database that wait for the table of messages. The same table has the same OID in every copy of a
 * template, and pg_locks covers all databases.
 */
export const TABLE_WAITS = `
  SELECT pid FROM pg_locks
  WHERE NOT granted AND relation = '"ChatMessage"'::regclass
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
