import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import type { FactCheck } from '../../check.js'
import type { Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import {
  missingPrivileges,
  NEEDED,
  tableName,
  type RoleAccess,
  type TableAccess,
} from '../../../persistence/access/role-access.js'
import { or, sql } from '../../../next-step.js'

type Code = 'privilege_missing' | 'rows_hidden'

/** Does the role named by `--application-role` have the privileges that the core needs, and does it see every row? */
export const applicationRole: FactCheck<Code> = {
  name: 'application-role',
  expectations: ['migrated'],
  needs: { ChatMessage: [], Client: [] },
  findings: (facts) => {
    const access = facts.applicationRole
    if (access === undefined) return []
    return [
      ...missingPrivileges(access, facts.schema).map(({ object, privileges, grant }) =>
        finding('error', 'privilege_missing', {
          object,
          expected: `${privileges} for ${access.role}`,
          actual: `the role ${access.role} lacks this privilege`,
          help: sql(grant),
        }),
      ),
      ...access.tables.flatMap((table) => hiddenRowFindings(table, access, facts)),
    ]
  },
  explanations: {
    privilege_missing: {
      title: `the application's role lacks a privilege`,
      severities: ['error'],
      meaning: `The role named by --application-role lacks a privilege that chatkeep needs on this object. Saving or
        reading fails with "permission denied".`,
      cause: `The role was created, or its privileges were granted, before the migration: GRANT … ON ALL TABLES
        covers only existing tables.`,
      remedy: 'Run the GRANT in the finding as the owner. ALTER DEFAULT PRIVILEGES covers future tables.',
    },
    rows_hidden: {
      title: `row-level security hides rows from the application's role`,
      severities: ['error'],
      meaning: `No policy lets the role named by --application-role see or write every row. Histories and counts miss
        rows without an error, and inserts may be rejected.`,
      cause: `ENABLE ROW LEVEL SECURITY without a policy for this role (hosting platforms may enable it for every
        table), or FORCE ROW LEVEL SECURITY for the owner.`,
      remedy: `Create a policy for the role as the finding shows, or run ALTER ROLE … BYPASSRLS. Policies for other
        roles are not affected.`,
    },
  },
}

const hiddenRowFindings = (
  { schema, table, restricted, policies }: TableAccess,
  { role }: RoleAccess,
  facts: Facts,
): readonly Finding<Code>[] => {
  const hidden = (NEEDED[table] ?? []).filter((command) => restricted.includes(command))
  if (hidden.length === 0) return []
  const name = escapeIdentifier(role)
  const by = policies.length === 0 ? 'the absence of a policy' : `policy ${policies.map(escapeIdentifier).join(', ')}`
  return [
    finding('error', 'rows_hidden', {
      object: tableName({ schema, table }, facts.schema),
      expected: `every row for ${role}`,
      actual: `row-level security restricts ${hidden.join(', ')} by ${by}`,
      help: [
        sql(
          `CREATE POLICY "chat_application" ON ${qualified(schema, table)} TO ${name} USING (true) WITH CHECK (true)`,
        ),
        or(sql(`ALTER ROLE ${name} BYPASSRLS`, 'as a superuser')),
      ],
    }),
  ]
}
