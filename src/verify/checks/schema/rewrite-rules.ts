import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { finding } from '../../finding.js'

/** Does a rewrite rule replace what is written into the chat's tables, or make writing fail? */
export const rules: FactCheck = {
  name: 'rules',
  expectations: ALWAYS,
  findings: ({ schema, integrity }) =>
    integrity.rules
      // Operators are only referred to; chatkeep never writes them.
      .filter(({ table }) => table !== 'User')
      .map(({ table, name, event, instead }) =>
        finding('error', 'rule_on_table', {
          object: `rule ${escapeIdentifier(name)} on "${table}"`,
          expected: 'no rule for INSERT or UPDATE',
          actual: instead
            ? `ON ${event} DO INSTEAD: what is written does not arrive`
            : `ON ${event} DO ALSO: the server refuses INSERT … ON CONFLICT, so ${table === 'ChatMessage' ? 'saving fails' : 'guests get no client'}`,
          help: `DROP RULE ${escapeIdentifier(name)} ON ${qualified(schema, table)}; do with a trigger what it was for`,
        }),
      ),
}
