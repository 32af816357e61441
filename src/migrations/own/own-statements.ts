import { escapeIdentifier, qualified } from '../../database/identifier.js'
import { quotedSchema } from '../../persistence/own-names.js'
import { findOwnTable, isClosedToWriters, type Grant, type OwnState } from './own-state.js'
import { lacksAdded, type OwnTable } from './own-table.js'
import { OWN_TABLES } from './own-tables.js'

/**
 * The statements that create or repair chatkeep's own schema; none when nothing is missing. Objects of another owner, and
 * tables with other columns, are not touched: see `ownConflicts`.
 * @param archive whether the tables of a rollback's archive are needed
 */
export const ownStatements = (own: OwnState, archive = false): readonly string[] => {
  const { names, owner, role, found } = own
  const wanted = wantedTables(own, archive)
  return [
    ...(found === undefined
      ? [`CREATE SCHEMA ${quotedSchema(names)}${owner === role ? '' : ` AUTHORIZATION ${escapeIdentifier(owner)}`}`]
      : []),
    ...wanted.flatMap((table) => tableStatements(table, own)),
    ...wantedGrants(wanted, own).flatMap(grantStatements),
  ]
}

/** A privilege in chatkeep's own schema that a role does not need; `migrate` revokes it. */
export interface ExcessGrant extends Grant {
  /** Kind and name, as SQL writes them. */
  readonly object: string
}

/** The statement that takes the privilege away. */
export const revokeStatement = ({ privilege, object, grantee }: ExcessGrant): string =>
  `REVOKE ${privilege} ON ${object} FROM ${grantee}`

export const excessGrants = (own: OwnState): readonly ExcessGrant[] =>
  wantedGrants(wantedTables(own, false), own).flatMap((grants) =>
    excess(grants).map((grant) => ({ ...grant, object: grants.object })),
  )

const wantedTables = (own: OwnState, archive: boolean): readonly OwnTable[] => {
  const hasArchive = OWN_TABLES.some(({ temporary, name }) => temporary && findOwnTable(own, name) !== undefined)
  return OWN_TABLES.filter(({ temporary, parts, name }) =>
    parts === undefined ? !temporary || archive || hasArchive : findOwnTable(own, name) !== undefined,
  )
}

/** The statements that create a table, and let in who needs it. */
export const createOwnTable = (table: OwnTable, own: OwnState): readonly string[] => [
  ...tableStatements(table, own),
  ...wantedGrants([table], own).flatMap(grantStatements),
]

const tableStatements = (table: OwnTable, own: OwnState): readonly string[] => {
  const { names, owner, role } = own
  const name = qualified(names.schema, table.name)
  const found = findOwnTable(own, table.name)
  if (found !== undefined) {
    return [
      ...(lacksAdded(table, found.columns) ? (table.added?.add(names) ?? []) : []),
      ...(found.key === null ? [`ALTER TABLE ${name} ADD PRIMARY KEY (${escapeIdentifier(table.key)})`] : []),
      ...(found.replicaIdentity === 'd' || found.replicaIdentity === 'f'
        ? []
        : [`ALTER TABLE ${name} REPLICA IDENTITY DEFAULT`]),
      // Privileges decide who gets there. A policy would not do: where rows are counted, row_security is off.
      ...(isClosedToWriters(own, table) ? [`ALTER TABLE ${name} DISABLE ROW LEVEL SECURITY`] : []),
    ]
  }
  const created = [name, ...(table.parts ?? []).map((part) => qualified(names.schema, part))]
  return [
    ...table.create(names),
    ...created.flatMap((each) => [
      ...(owner === role ? [] : [`ALTER TABLE ${each} OWNER TO ${escapeIdentifier(owner)}`]),
      ...own.defaultGrantees.map((grantee) => `REVOKE ALL ON ${each} FROM ${grantee}`),
    ]),
  ]
}

// Roles that may insert clients may note which clients are guests'. Nobody else gets in by default privileges; to read the
// history is harmless. With row-level security on "Client" nobody is let in: the table would show clients that it hides. Keys
// show nobody, and without them nobody could save.
// A role that was let in by hand stays.
const wantedGrants = (wanted: readonly OwnTable[], own: OwnState): readonly Grants[] => {
  const { names, writers, clientsSecured, found } = own
  const isOpen = ({ parts }: OwnTable): boolean => !clientsSecured || parts !== undefined
  return [
    {
      object: `SCHEMA ${quotedSchema(names)}`,
      grants: found?.grants ?? [],
      wanted: ['USAGE'],
      writers,
      open: wanted.some((table) => table.granted.length > 0 && isOpen(table)),
      harmless: ['USAGE'],
    },
    ...wanted.map((table) => ({
      object: `TABLE ${qualified(names.schema, table.name)}`,
      grants: findOwnTable(own, table.name)?.grants ?? [],
      wanted: table.granted,
      writers: table.granted.length === 0 ? [] : writers,
      open: isOpen(table),
      harmless: table.harmless,
    })),
  ]
}

interface Grants {
  /** Kind and name, for SQL. */
  readonly object: string
  readonly grants: readonly Grant[]
  /** What writers need. */
  readonly wanted: readonly string[]
  readonly writers: readonly string[]
  /** Whether writers get it. */
  readonly open: boolean
  /** What anybody may have. */
  readonly harmless: readonly string[]
}

const excess = ({ grants, wanted, writers, harmless }: Grants): readonly Grant[] =>
  grants.filter(
    ({ grantee, privilege }) =>
      !harmless.includes(privilege) && !(writers.includes(grantee) && wanted.includes(privilege)),
  )

const grantStatements = (grants: Grants): readonly string[] => {
  const { object, wanted, writers, open } = grants
  const isGranted = (writer: string, privilege: string): boolean =>
    grants.grants.some((grant) => grant.grantee === writer && grant.privilege === privilege)
  const lacking = writers.filter((writer) => open && !wanted.every((privilege) => isGranted(writer, privilege)))
  return [
    ...excess(grants).map((grant) => revokeStatement({ ...grant, object })),
    ...lacking.map((writer) => `GRANT ${wanted.join(', ')} ON ${object} TO ${writer}`),
  ]
}
