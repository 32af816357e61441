import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { deferrableOfClient } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import type { Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import { sql } from '../../../next-step.js'

type Code = 'constraint_excludes_guests' | 'constraint_deferrable'

/** Does a constraint of the application keep guests out, or their clients? */
export const guestBarriers: FactCheck<Code> = {
  name: 'guest-barriers',
  expectations: ['migrated'],
  needs: { ChatMessage: ['clientId'], Client: [] },
  findings: (facts) => [
    ...facts.guestBarriers.map(({ name, expression, wayOut }) =>
      finding('error', 'constraint_excludes_guests', {
        object: `check ${escapeIdentifier(name)} on "ChatMessage"`,
        expected: 'messages without a client are accepted',
        actual: `CHECK ${expression} rejects them`,
        help: sql(wayOut),
      }),
    ),
    ...deferrableFindings(facts),
  ],
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
    constraint_deferrable: {
      title: 'with a DEFERRABLE constraint on "Client", guests get no client',
      severities: ['error'],
      meaning: `chatkeep creates the client of a guest with INSERT … ON CONFLICT, which the server refuses (55000) if a
        unique or exclusion constraint of the table is DEFERRABLE. Messages are saved without a client, chatkeep reconcile
        links nothing, and a rollback that would have to create clients is refused.`,
      cause: 'The application declares the constraint so, to swap values within one transaction.',
      remedy: `Run the ALTER TABLE in the finding, which builds the constraint's index anew: readers and writers of "Client"
        wait meanwhile. Then chatkeep reconcile.`,
    },
  },
}

const deferrableFindings = ({ schema, catalog }: Facts): readonly Finding<Code>[] =>
  deferrableOfClient(catalog).map(({ name, deferrable }) => {
    const constraint = escapeIdentifier(name)
    return finding('error', 'constraint_deferrable', {
      object: `constraint ${constraint} on "Client"`,
      expected: 'checked at once',
      actual: 'DEFERRABLE: clients of guests cannot be created',
      help: sql(
        `ALTER TABLE ${qualified(schema, 'Client')} DROP CONSTRAINT ${constraint}, ADD CONSTRAINT ${constraint} ${deferrable ?? ''}`,
      ),
    })
  })
