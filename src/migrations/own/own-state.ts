import type { Queryable } from '../../database/connection.js'
import { qualified } from '../../database/identifier.js'
import { onlyRow } from '../../database/rows.js'
import { ownNamesFor, type OwnNames } from '../../persistence/own-names.js'
import type { OwnTable } from './own-table.js'

/** A privilege that somebody other than the owner has. */
export interface Grant {
  /** `PUBLIC`, or the role as SQL writes it. */
  readonly grantee: string
  readonly privilege: string
}

/** A table or another relation in chatkeep's schema. */
export interface FoundTable {
  readonly name: string
  readonly owner: string
  /** `r` for a table, as in pg_class. */
  readonly kind: string
  readonly columns: readonly (readonly [name: string, type: string, notNull: boolean])[]
  /** Columns of the primary key, separated by commas; null without one. */
  readonly key: string | null
  /** Its replica identity, as in pg_class. `d` is the primary key; with `n` a publication rejects updates and deletes. */
  readonly replicaIdentity: string
  readonly grants: readonly Grant[]
  /** Whether row-level security is on without any policy: then roles other than the owner find nothing there and add nothing. */
  readonly hidesRows: boolean
  /** Whether this role may read it. */
  readonly readable: boolean
}

/** A function in chatkeep's schema. */
export interface FoundFunction {
  readonly name: string
  readonly owner: string
}

/** What is in chatkeep's own schema, and who may do what there. */
export interface OwnState {
  readonly names: OwnNames
  /** The role that owns "ChatMessage", and must own everything here; this session's role while that table is missing. */
  readonly owner: string
  /** This session's role. */
  readonly role: string
  /** Whether this role may create schemas in the database. */
  readonly mayCreateSchema: boolean
  /** Whether this role is a superuser, and the owner is not. */
  readonly exceedsOwner: boolean
  /**
   * Roles that may create objects in the application's schema, as SQL writes them; without its owner, the owner of
   * "ChatMessage" and superusers.
   */
  readonly strangers: readonly string[]
  /** Roles that may insert clients, as SQL writes them; without the owner. */
  readonly writers: readonly string[]
  /** Whether row-level security hides clients: then this schema is not opened to anybody. */
  readonly clientsSecured: boolean
  /** Roles to which default privileges grant each new table of this role. */
  readonly defaultGrantees: readonly string[]
  readonly found: FoundSchema | undefined
}

export interface FoundSchema {
  readonly owner: string
  /** Whether this role has USAGE. */
  readonly usable: boolean
  readonly grants: readonly Grant[]
  readonly tables: readonly FoundTable[]
  readonly functions: readonly FoundFunction[]
  /** Subscriptions that write into these tables. */
  readonly subscriptions: readonly string[]
}

const grantee = (acl: string): string =>
  `CASE ${acl}.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_catalog.pg_get_userbyid(${acl}.grantee)) END`

const grants = (acl: string, owner: string): string => `
      (SELECT coalesce(json_agg(json_build_object('grantee', ${grantee('a')}, 'privilege', a.privilege_type) ORDER BY a.grantee, a.privilege_type), '[]')
       FROM (SELECT DISTINCT x.grantee, x.privilege_type FROM pg_catalog.aclexplode(${acl}) AS x WHERE x.grantee <> ${owner}) AS a)`

const SELECT_STATE = `
  WITH own AS MATERIALIZED (
    SELECT n.oid, n.nspowner, n.nspacl FROM pg_catalog.pg_namespace AS n WHERE n.nspname = $1
  )
  SELECT pg_catalog.pg_get_userbyid(m.relowner) AS "tableOwner", current_user::text AS "role",
    pg_catalog.has_database_privilege(current_database(), 'CREATE') AS "mayCreateSchema",
    coalesce((SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user)
      AND NOT (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.oid = m.relowner), false) AS "exceedsOwner",
    ARRAY(
      SELECT DISTINCT ${grantee('a')}
      FROM pg_catalog.pg_namespace AS n, pg_catalog.aclexplode(n.nspacl) AS a
      WHERE n.nspname = $4 AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner
        AND a.grantee IS DISTINCT FROM m.relowner
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = a.grantee AND r.rolsuper)
      ORDER BY 1
    ) AS "strangers",
    ARRAY(
      SELECT DISTINCT ${grantee('a')}
      FROM pg_catalog.pg_class AS c, pg_catalog.aclexplode(c.relacl) AS a
      WHERE c.oid = to_regclass($3) AND a.privilege_type = 'INSERT' AND a.grantee <> c.relowner
        AND a.grantee IS DISTINCT FROM m.relowner
      ORDER BY 1
    ) AS "writers",
    coalesce((SELECT c.relrowsecurity FROM pg_catalog.pg_class AS c WHERE c.oid = to_regclass($3)), false) AS "clientsSecured",
    ARRAY(
      SELECT DISTINCT ${grantee('a')}
      FROM pg_catalog.pg_default_acl AS d, pg_catalog.aclexplode(d.defaclacl) AS a
      WHERE d.defaclobjtype = 'r' AND d.defaclrole = (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user)
        AND d.defaclnamespace IN (0, (SELECT own.oid FROM own)) AND a.grantee <> d.defaclrole
      ORDER BY 1
    ) AS "defaultGrantees",
    (
      SELECT json_build_object('owner', pg_catalog.pg_get_userbyid(own.nspowner),
        'usable', pg_catalog.has_schema_privilege(own.oid, 'USAGE'),
        'grants', ${grants('own.nspacl', 'own.nspowner')},
        'tables', (
          SELECT coalesce(json_agg(json_build_object('name', c.relname, 'kind', c.relkind,
            'owner', pg_catalog.pg_get_userbyid(c.relowner),
            'columns', (
              SELECT coalesce(json_agg(json_build_array(a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull) ORDER BY a.attnum), '[]')
              FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
            'key', (
              SELECT string_agg(a.attname, ',' ORDER BY a.attnum)
              FROM pg_catalog.pg_constraint AS k
              JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey)
              WHERE k.conrelid = c.oid AND k.contype = 'p'),
            'replicaIdentity', c.relreplident,
            'grants', ${grants('c.relacl', 'c.relowner')},
            'hidesRows', c.relrowsecurity AND NOT EXISTS (SELECT FROM pg_catalog.pg_policy AS p WHERE p.polrelid = c.oid),
            'readable', pg_catalog.has_table_privilege(c.oid, 'SELECT')) ORDER BY c.relname), '[]')
          FROM pg_catalog.pg_class AS c
          WHERE c.relnamespace = own.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')),
        'subscriptions', ARRAY(
          SELECT DISTINCT s.subname::text
          FROM pg_catalog.pg_subscription_rel AS r
          JOIN pg_catalog.pg_subscription AS s ON s.oid = r.srsubid
          JOIN pg_catalog.pg_class AS c ON c.oid = r.srrelid
          WHERE c.relnamespace = own.oid
          ORDER BY 1),
        'functions', (
          SELECT coalesce(json_agg(json_build_object('name', p.proname, 'owner', pg_catalog.pg_get_userbyid(p.proowner)) ORDER BY p.proname), '[]')
          FROM pg_catalog.pg_proc AS p WHERE p.pronamespace = own.oid))
      FROM own
    ) AS "found"
  FROM (SELECT 1) AS one
  LEFT JOIN pg_catalog.pg_class AS m ON m.oid = to_regclass($2)`

type StateRow = Omit<OwnState, 'names' | 'owner' | 'found'> & {
  readonly tableOwner: string | null
  readonly found: FoundSchema | null
}

/** Reads chatkeep's own schema for this schema of the application. Reads only the catalog. */
export const readOwnState = async (client: Queryable, schema: string): Promise<OwnState> => {
  const names = ownNamesFor(schema)
  const tables = [qualified(schema, 'ChatMessage'), qualified(schema, 'Client')]
  const { tableOwner, found, ...row } = onlyRow(
    await client.query<StateRow>(SELECT_STATE, [names.schema, ...tables, schema]),
  )
  return { names, ...row, owner: tableOwner ?? row.role, found: found ?? undefined }
}

/**
 * Whether a table is closed to roles that were let in: an event trigger of the database may secure every new table, as hosted
 * ones do for their API.
 */
export const isClosedToWriters = (own: OwnState, { name, granted }: Pick<OwnTable, 'name' | 'granted'>): boolean =>
  granted.length > 0 && own.writers.length > 0 && !own.clientsSecured && findOwnTable(own, name)?.hidesRows === true

/** A table of chatkeep's schema, if it is there. */
export const findOwnTable = ({ found }: OwnState, name: string): FoundTable | undefined =>
  found?.tables.find((table) => table.name === name)

/** Whether the table is there and this role may read it. */
export const canRead = (own: OwnState, name: string): boolean =>
  own.found?.usable === true && findOwnTable(own, name)?.readable === true
