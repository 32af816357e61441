import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { LACKS } from '../../../migrations/in-use/replica-identity.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { finding } from '../../finding.js'
import { sql } from '../../../next-step.js'

type Code = 'replica_identity_missing'

/** Would the server reject an update or delete because a publication could not send it? */
export const replicaIdentity: FactCheck<Code> = {
  name: 'replica-identity',
  expectations: ALWAYS,
  needs: { ChatMessage: [], Client: [] },
  findings: ({ unidentified }) =>
    unidentified.map(({ schema, table, publication, lacks }) => {
      const name = qualified(schema, table)
      return finding('error', 'replica_identity_missing', {
        object: `table ${name}`,
        expected: `rows that the publication ${escapeIdentifier(publication)} can identify`,
        actual: `${LACKS[lacks]}: the server rejects every UPDATE and DELETE`,
        help:
          lacks === 'columns'
            ? `add the columns of the primary key to the column list of the publication ${escapeIdentifier(publication)}`
            : sql(`ALTER TABLE ${name} REPLICA IDENTITY FULL`),
      })
    }),
  explanations: {
    replica_identity_missing: {
      title: 'a published table has no replica identity: updates and deletes fail',
      severities: ['error'],
      meaning: `The publication sends updates and deletes, but the rows of the table cannot be identified, so the server
        rejects them (55000 or 42P10): messages cannot be marked as read, linked to a client or deleted. Inserts work.`,
      cause: `A publication FOR ALL TABLES, or FOR TABLES IN SCHEMA, meets a table without a primary key; REPLICA
        IDENTITY NOTHING; a column list without the primary key; or a WHERE that reads other columns.`,
      remedy: `Give the table a primary key, or run the statement in the finding. REPLICA IDENTITY FULL writes whole old
        rows to the WAL, which costs space.`,
    },
  },
}
