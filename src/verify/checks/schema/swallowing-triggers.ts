import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { finding } from '../../finding.js'
import { or, psql, sql } from '../../../next-step.js'
import type { InsertTrigger } from '../../facts/integrity.js'

/** Can a trigger of the application discard an inserted row without an error? */
export const swallowingTriggers: FactCheck<'trigger_swallows'> = {
  name: 'swallowing-triggers',
  expectations: ALWAYS,
  needs: { ChatMessage: [], Client: [] },
  findings: ({ schema, integrity: { insertTriggers } }) =>
    insertTriggers
      .filter((trigger) => trigger.table !== 'User' && canReturnNull(trigger))
      .map(({ table, name, function: called }) =>
        finding('warning', 'trigger_swallows', {
          object: `trigger ${escapeIdentifier(name)} on "${table}"`,
          expected: 'RETURN NEW, or an error',
          actual: `BEFORE INSERT, and ${called} can return NULL: the row is then skipped without an error`,
          help: [
            psql(`\\sf ${called}`, 'read it'),
            'let it RETURN NEW, or raise an error',
            or(
              sql(
                `ALTER TABLE ${qualified(schema, table)} DISABLE TRIGGER ${escapeIdentifier(name)}`,
                'if it is not needed',
              ),
            ),
          ],
        }),
      ),
  explanations: {
    trigger_swallows: {
      title: 'a trigger of the application may discard messages',
      severities: ['warning'],
      meaning: `If a BEFORE trigger for each row returns NULL, the server skips the row without an error. chatkeep
        notices the missing row and reports the save as failed; other programs take the message for saved.`,
      cause: `A filter (spam, duplicates, blocklists) written as a trigger, or a function written for AFTER triggers,
        where the return value is ignored.`,
      remedy: `Read the function in the finding. To reject a row, use RAISE EXCEPTION, which reports it to the sender;
        otherwise RETURN NEW. If no insert reaches the RETURN NULL, there is nothing to fix.`,
    },
  },
}

/**
 * Whether a function contains a plain `RETURN NULL` in PL/pgSQL; other ways to discard a row are not detected. On insert, OLD is
 * NULL, so `RETURN OLD` also skips the row. It is accepted if the function distinguishes events with TG_OP.
 */
export const canReturnNull = ({ language, source }: Pick<InsertTrigger, 'language' | 'source'>): boolean => {
  if (language !== 'plpgsql') return false
  const code = source.replaceAll(COMMENTS_AND_STRINGS, ' ')
  return /\breturn\s+null\b/i.test(code) || (/\breturn\s+old\b/i.test(code) && !/\btg_op\b/i.test(code))
}

const COMMENTS_AND_STRINGS = /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'/g
