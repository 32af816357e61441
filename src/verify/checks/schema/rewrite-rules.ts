import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { finding } from '../../finding.js'
import { sql } from '../../../next-step.js'

/** Does a rewrite rule replace writes to a table of the chat, or make them fail? */
export const rewriteRules: FactCheck<'rule_on_table'> = {
  name: 'rules',
  expectations: ALWAYS,
  needs: { ChatMessage: [], Client: [] },
  findings: ({ schema, integrity }) =>
    integrity.rules
      // chatkeep never writes to "User".
      .filter(({ table }) => table !== 'User')
      .map(({ table, name, event, instead }) =>
        finding('error', 'rule_on_table', {
          object: `rule ${escapeIdentifier(name)} on "${table}"`,
          expected: 'no rule for INSERT or UPDATE',
          actual: instead
            ? `ON ${event} DO INSTEAD: rows are not written`
            : `ON ${event} DO ALSO: the server rejects INSERT … ON CONFLICT, so ${table === 'ChatMessage' ? 'saving fails' : 'guests get no client'}`,
          help: [
            sql(`DROP RULE ${escapeIdentifier(name)} ON ${qualified(schema, table)}`),
            'use a trigger for its purpose',
          ],
        }),
      ),
  explanations: {
    rule_on_table: {
      title: 'a rewrite rule changes what is written to a chat table',
      severities: ['error'],
      meaning: `A DO INSTEAD rule replaces the insert or update: the statement succeeds, but the message is not
        stored. A DO ALSO rule is no better: PostgreSQL rejects INSERT … ON CONFLICT on a table with rules for INSERT
        or UPDATE, so saving fails, or guests get no client.`,
      cause: 'CREATE RULE, formerly common for partitioning, soft deletes and audit tables.',
      remedy: 'Drop the rule and use a trigger for its purpose.',
    },
  },
}
