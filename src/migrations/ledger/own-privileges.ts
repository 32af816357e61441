import type { Queryable } from '../../database/connection.js'
import { escapeIdentifier } from '../../database/identifier.js'
import { onlyRow } from '../../database/rows.js'
import { quotedSchema } from '../../persistence/own-names.js'
import { findOwnTable, type OwnState } from '../own/own-state.js'
import { OWN_TABLES } from '../own/own-tables.js'

/** A privilege that the role lacks to change the tables. */
export interface LackingPrivilege {
  readonly text: string
  /** What gives it; undefined where only the owner can do the work. */
  readonly grant?: string
}

// A role can inherit from the owner without being allowed to become it, since PostgreSQL 16.
const SELECT_LACKS = `
  SELECT NOT pg_has_role($1::name, CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END)
      AS "owner",
    coalesce((SELECT NOT has_language_privilege(l.oid, 'USAGE') FROM pg_catalog.pg_language AS l WHERE l.lanname = 'plpgsql'), false)
      AS "language",
    (
      SELECT t.spcname
      FROM pg_catalog.pg_tablespace AS t, pg_catalog.pg_database AS d
      WHERE d.datname = current_database() AND t.spcname = current_setting('default_tablespace') AND t.oid <> d.dattablespace
        AND NOT has_tablespace_privilege(t.oid, 'CREATE')
    ) AS "tablespace"`

interface Lacks {
  readonly owner: boolean
  readonly language: boolean
  readonly tablespace: string | null
}

/** Without its schema, and the right to create it. */
export const missingSchema = ({ found, mayCreateSchema, names, owner }: OwnState): readonly LackingPrivilege[] =>
  found !== undefined || mayCreateSchema
    ? []
    : [
        {
          text: `chatkeep keeps its own tables in schema ${quotedSchema(names)}, which this role may not create`,
          grant: `CREATE SCHEMA ${quotedSchema(names)} AUTHORIZATION ${escapeIdentifier(owner)}`,
        },
      ]

/** What the owner of the chat's tables lacks to create chatkeep's own. @param archive whether a rollback creates its archive */
export const missingForOwnTables = async (
  client: Queryable,
  own: OwnState,
  archive: boolean,
): Promise<readonly LackingPrivilege[]> => {
  const lacks = onlyRow(await client.query<Lacks>(SELECT_LACKS, [own.owner]))
  const role = escapeIdentifier(own.role)
  const creates =
    archive ||
    OWN_TABLES.some(
      ({ temporary, parts, name }) => !temporary && parts === undefined && findOwnTable(own, name) === undefined,
    )
  return [
    ...(lacks.owner && creates
      ? [
          {
            text: `chatkeep's own tables are to be owned by ${own.owner}, and this role may not SET ROLE to it`,
            grant: `GRANT ${escapeIdentifier(own.owner)} TO ${role} WITH SET TRUE`,
          },
        ]
      : []),
    ...(lacks.language && archive
      ? [{ text: 'this role may not use the language plpgsql', grant: `GRANT USAGE ON LANGUAGE plpgsql TO ${role}` }]
      : []),
    ...(lacks.tablespace === null
      ? []
      : [
          {
            text: `this role has no CREATE privilege on tablespace ${JSON.stringify(lacks.tablespace)}, its default_tablespace`,
            grant: `GRANT CREATE ON TABLESPACE ${escapeIdentifier(lacks.tablespace)} TO ${role}`,
          },
        ]),
  ]
}
