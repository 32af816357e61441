import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { finding } from '../../finding.js'

/** Did a REINDEX CONCURRENTLY of the chat's tables die and leave its index behind? */
export const indexLeftovers: FactCheck = {
  name: 'index-leftovers',
  expectations: ALWAYS,
  findings: ({ schema, integrity: { brokenIndexes } }) =>
    brokenIndexes
      // While a REINDEX is at work, that is how its index looks.
      .filter(({ name, building }) => /_cc(?:new|old)\d*$/.test(name) && !building)
      .map(({ table, name }) =>
        finding('warning', 'index_leftover', {
          object: `index ${escapeIdentifier(name)} on "${table}"`,
          expected: 'gone when its REINDEX ended',
          actual: 'there, INVALID: it costs writes and answers nothing',
          help: `DROP INDEX CONCURRENTLY ${qualified(schema, name)}`,
        }),
      ),
}
