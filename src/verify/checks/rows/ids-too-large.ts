import { qualified } from '../../../database/identifier.js'
import { ID_RANGE, isId, LARGEST_ID } from '../../../persistence/ids/ids.js'
import { CHAT_TABLES, columnName, findColumn } from '../../../persistence/shape.js'
import { chatkeep } from '../../../next-step.js'
import type { RowCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import type { Facts } from '../../facts/facts.js'
import { finding } from '../../finding.js'
import { idsByPlace, lookUpIds } from '../../row-query.js'

/** Are there ids that a number does not hold exactly? The smallest and the largest are single look-ups in the primary key. */
export const idsTooLarge: RowCheck<'id_too_large'> = {
  name: 'ids-too-large',
  expectations: ALWAYS,
  needs: { ChatMessage: ['id'] },
  object: 'the smallest and largest ids',
  severity: 'error',
  query: (facts) => {
    const ends = bigTables(facts).flatMap((table) =>
      ['min', 'max'].map((end) => `SELECT ${end}("id") FROM ${qualified(facts.schema, table)}`),
    )
    return ends.length === 0 ? undefined : lookUpIds(ends)
  },
  findings: (result, facts) => {
    const ids = result === undefined ? new Map<number, number | string>() : idsByPlace(result)
    return bigTables(facts).flatMap((table, index) => {
      const next = facts.integrity.sequences.find((sequence) => sequence.table === table)?.last ?? '0'
      const wrong = [ids.get(2 * index), ids.get(2 * index + 1), next].find((id) => !isId(Number(id ?? 0)))
      if (wrong === undefined) return []
      return [
        finding('error', 'id_too_large', {
          object: columnName({ table, column: 'id' }),
          expected: `from -${LARGEST_ID.toLocaleString('en-US')} to ${LARGEST_ID.toLocaleString('en-US')}`,
          actual: `${BigInt(wrong).toLocaleString('en-US')}: a number does not hold it exactly`,
          help: chatkeep('explain id_too_large'),
        }),
      ]
    })
  },
  explanations: {
    id_too_large: {
      title: 'ids are too large to be returned exactly',
      severities: ['error'],
      meaning: `An id ${ID_RANGE}, because JavaScript, JSON and the socket protocol hold no other number exactly. chatkeep
        never rounds an id: what would return a larger one fails with id_too_large. A message with such an id is stored
        all the same.`,
      cause: `A generator that puts a time or a node number into the high bits of a bigint, or a sequence that was set far
        ahead.`,
      remedy: `Let new rows have smaller ids, for instance from a sequence that starts with 1, and give the rows with larger
        ids new ones: a foreign key ON UPDATE CASCADE takes "clientId" and "operatorId" along.`,
    },
  },
}

const bigTables = ({ catalog }: Facts): readonly string[] =>
  CHAT_TABLES.filter((table) => findColumn(catalog, table, 'id')?.type === 'bigint')
