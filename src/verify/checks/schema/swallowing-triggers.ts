import { escapeIdentifier } from '../../../database/identifier.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { finding } from '../../finding.js'
import type { InsertTrigger } from '../../facts/integrity.js'

/** Can a trigger of the application make an inserted row vanish without an error? */
export const swallowingTriggers: FactCheck = {
  name: 'swallowing-triggers',
  expectations: ALWAYS,
  findings: ({ integrity: { insertTriggers } }) =>
    insertTriggers
      .filter((trigger) => trigger.table !== 'User' && canReturnNull(trigger))
      .map(({ table, name, function: called }) =>
        finding('warning', 'trigger_swallows', {
          object: `trigger ${escapeIdentifier(name)} on "${table}"`,
          expected: 'RETURN NEW, or an error',
          actual: `BEFORE INSERT, and ${called} can return NULL: the row is then skipped without an error`,
          help: `read it: \\sf ${called}`,
        }),
      ),
}

/**
 * Decided on the text of the function, so only what is written in PL/pgSQL as plainly as `RETURN NULL` is seen. An insert has
 * no OLD, so returning it skips the row, too, unless the function tells events apart: then it is taken to know what it does.
 */
export const canReturnNull = ({ language, source }: Pick<InsertTrigger, 'language' | 'source'>): boolean => {
  if (language !== 'plpgsql') return false
  const code = source.replaceAll(COMMENTS_AND_STRINGS, ' ')
  return /\breturn\s+null\b/i.test(code) || (/\breturn\s+old\b/i.test(code) && !/\btg_op\b/i.test(code))
}

const COMMENTS_AND_STRINGS = /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'/g
