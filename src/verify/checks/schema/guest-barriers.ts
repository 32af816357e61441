import { escapeIdentifier } from '../../../database/identifier.js'
import type { FactCheck } from '../../check.js'
import { finding } from '../../finding.js'
import { sql } from '../../../next-step.js'

/** Does a constraint of the application keep guests out? */
export const guestBarriers: FactCheck<'constraint_excludes_guests'> = {
  name: 'guest-barriers',
  expectations: ['migrated'],
  needs: { ChatMessage: ['clientId'] },
  findings: ({ guestBarriers: barriers }) =>
    barriers.map(({ name, expression, wayOut }) =>
      finding('error', 'constraint_excludes_guests', {
        object: `check ${escapeIdentifier(name)} on "ChatMessage"`,
        expected: 'messages without a client are accepted',
        actual: `CHECK ${expression} rejects them`,
        help: sql(wayOut),
      }),
    ),
  explanations: {
    constraint_excludes_guests: {
      title: 'a constraint of the application rejects messages without a client',
      severities: ['error'],
      meaning: `"clientId" is nullable, but a CHECK constraint still requires it: the server rejects every message that
        could not be linked to a client. Constraints of other forms show in chatkeep verify --probe.`,
      cause: `An earlier SET NOT NULL without a scan left the constraint behind that it was made from, or the application
        requires a client by a rule of its own.`,
      remedy: 'Run the ALTER TABLE … DROP CONSTRAINT in the finding. It changes only the catalog.',
    },
  },
}
