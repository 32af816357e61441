import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { finding } from '../../finding.js'
import { sql } from '../../../next-step.js'

/** Did a failed REINDEX CONCURRENTLY leave an index on a table of the chat behind? */
export const indexLeftovers: FactCheck<'index_leftover'> = {
  name: 'index-leftovers',
  expectations: ALWAYS,
  needs: { ChatMessage: [], Client: [], User: [] },
  findings: ({ schema, integrity: { brokenIndexes } }) =>
    brokenIndexes
      // During a REINDEX, its index looks the same.
      .filter(({ name, building }) => /_cc(?:new|old)\d*$/.test(name) && !building)
      .map(({ table, name }) =>
        finding('warning', 'index_leftover', {
          object: `index ${escapeIdentifier(name)} on "${table}"`,
          expected: 'dropped at the end of its REINDEX',
          actual: 'present and INVALID: it slows down writes and is not used',
          help: sql(`DROP INDEX CONCURRENTLY ${qualified(schema, name)}`),
        }),
      ),
  explanations: {
    index_leftover: {
      title: 'REINDEX CONCURRENTLY left an index behind',
      severities: ['warning'],
      meaning: `The name of the index ends in _ccnew or _ccold, and the index is INVALID. No query uses it, but every
        insert may still update it, and it takes as much space as the real one.`,
      cause: 'REINDEX CONCURRENTLY was cancelled, timed out or lost its connection.',
      remedy: `Run the DROP INDEX CONCURRENTLY in the finding. If the name ends in _ccnew, run the REINDEX again if
        it is still needed.`,
    },
  },
}
