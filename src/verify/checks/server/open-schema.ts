import { escapeIdentifier } from '../../../database/identifier.js'
import { revokeCreate } from '../../../migrations/plan/notes.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { finding } from '../../finding.js'
import { sql } from '../../../next-step.js'

/** May roles that do not own the application's schema create objects in it? */
export const openSchema: FactCheck<'schema_open_to_others'> = {
  name: 'open-schema',
  expectations: ALWAYS,
  needs: {},
  findings: ({ schema, own: { strangers } }) =>
    strangers.map((role) =>
      finding(role === 'PUBLIC' ? 'warning' : 'note', 'schema_open_to_others', {
        object: `schema ${escapeIdentifier(schema)}`,
        expected: `no CREATE for ${role}`,
        actual: 'granted',
        help: sql(revokeCreate(schema, [role])),
      }),
    ),
  explanations: {
    schema_open_to_others: {
      title: "a role that does not own the application's schema may create objects in it",
      severities: ['warning', 'note'],
      meaning: `A function or an operator created there can fit a call better than the server's own. A program with the
        schema in its search_path then runs it with the rights of its own role. chatkeep calls nothing through the search
        path; the application, psql and pg_dump of old versions may. PUBLIC stands for every role (warning).`,
      cause: `Before PostgreSQL 15, every role may create objects in the schema public, and an upgrade keeps that. Or
        somebody granted it.`,
      remedy: 'Run the REVOKE in the finding. Roles that create tables there need the right, such as one that deploys.',
    },
  },
}
