import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import type { FactCheck } from '../../check.js'
import type { Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import { NEEDED, type RoleAccess, type TableAccess } from '../../../persistence/role-access.js'

/** May the role that `--application-role` names do what the core does as that role, and does it see every row? */
export const applicationRole: FactCheck = {
  name: 'application-role',
  expectations: ['migrated'],
  findings: (facts) => {
    const access = facts.applicationRole
    if (access === undefined) return []
    return [
      ...schemaFindings(access, facts),
      ...access.tables.flatMap((table) => privilegeFindings(table, access, facts)),
      ...access.deniedSequences.map((sequence) => sequenceFinding(sequence, access, facts)),
      ...access.tables.flatMap((table) => hiddenRowFindings(table, access, facts)),
    ]
  },
}

const missing = (object: string, expected: string, { role }: RoleAccess, help: string): Finding =>
  finding('error', 'privilege_missing', { object, expected, actual: `the role ${role} has no such right`, help })

const schemaFindings = (access: RoleAccess, { schema }: Facts): readonly Finding[] => {
  if (access.schemaUsage) return []
  const name = escapeIdentifier(schema)
  const help = `GRANT USAGE ON SCHEMA ${name} TO ${escapeIdentifier(access.role)}`
  return [missing(`schema ${name}`, `USAGE for ${access.role}`, access, help)]
}

const privilegeFindings = (
  { table, granted }: TableAccess,
  access: RoleAccess,
  { schema }: Facts,
): readonly Finding[] => {
  const lacking = (NEEDED[table] ?? []).filter((command) => !granted.includes(command))
  if (lacking.length === 0) return []
  const rights = lacking.join(', ')
  const help = `GRANT ${rights} ON ${qualified(schema, table)} TO ${escapeIdentifier(access.role)}`
  return [missing(`table "${table}"`, `${rights} for ${access.role}`, access, help)]
}

const sequenceFinding = (sequence: string, access: RoleAccess, { schema }: Facts): Finding =>
  missing(
    `sequence ${escapeIdentifier(sequence)}`,
    `USAGE for ${access.role}: without it no id is given`,
    access,
    `GRANT USAGE ON SEQUENCE ${qualified(schema, sequence)} TO ${escapeIdentifier(access.role)}`,
  )

const hiddenRowFindings = (
  { table, restricted, policies }: TableAccess,
  { role }: RoleAccess,
  { schema }: Facts,
): readonly Finding[] => {
  const hidden = (NEEDED[table] ?? []).filter((command) => restricted.includes(command))
  if (hidden.length === 0) return []
  const name = escapeIdentifier(role)
  return [
    finding('error', 'rows_hidden', {
      object: `table "${table}"`,
      expected: `every row for ${role}`,
      actual: `row-level security restricts ${hidden.join(', ')} by ${policies.length === 0 ? 'the lack of a policy' : `policy ${policies.map(escapeIdentifier).join(', ')}`}`,
      help: `CREATE POLICY "chat_application" ON ${qualified(schema, table)} TO ${name} USING (true) WITH CHECK (true); or ALTER ROLE ${name} BYPASSRLS`,
    }),
  ]
}
