/** SQL for the sessions in this database: "isHidden" where this role may not see what a session does. */
export const SESSIONS = `(
  SELECT a.*, a.query = '<insufficient privilege>' AS "isHidden"
  FROM pg_catalog.pg_stat_activity AS a WHERE a.datname = current_database()
)`
