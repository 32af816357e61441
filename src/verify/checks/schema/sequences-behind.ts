import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { columnName } from '../../../persistence/shape.js'
import type { RowCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { hasColumns, type Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import type { IdSequence } from '../../facts/integrity.js'

type Code = 'sequence_behind'

/**
 * Does a sequence return ids that already exist? The largest id is a single lookup in the primary key. Sequences are read after
 * the snapshot was taken, so concurrent inserts cannot cause this finding.
 */
export const sequencesBehind: RowCheck<Code> = {
  name: 'sequences-behind',
  expectations: ALWAYS,
  object: 'the largest ids',
  severity: 'error',
  query: (facts) => {
    const tables = comparable(facts).map(({ table }) => qualified(facts.schema, table))
    if (tables.length === 0) return undefined
    const largest = tables.map((table) => `(SELECT coalesce(max("id"), 0)::bigint FROM ${table})`)
    return `SELECT ARRAY[${largest.join(', ')}] AS "counts", ARRAY[]::bigint[] AS "sample"`
  },
  findings: (result, facts) =>
    comparable(facts).flatMap((sequence, index) => {
      const largest = result?.counts[index]
      return largest === undefined ? [] : behindFindings(sequence, largest, facts)
    }),
  explanations: {
    sequence_behind: {
      title: 'a sequence is behind the existing ids',
      severities: ['error'],
      meaning: `The next values of the sequence are ids that already exist, so inserts fail with a unique violation
        on the primary key until the sequence has passed them.`,
      cause: `Rows were inserted with their ids (an import, a data-only restore, a promoted logical replica) without
        a setval afterwards.`,
      remedy: 'Run the statement in the finding. It is safe under live traffic.',
    },
  },
}

const comparable = (facts: Facts): readonly IdSequence[] =>
  facts.integrity.sequences.filter(
    ({ table, last, increment }) =>
      last !== null && Number(increment) > 0 && table !== 'User' && hasColumns(facts, table, ['id']),
  )

const behindFindings = (sequence: IdSequence, largest: number, { schema }: Facts): readonly Finding<Code>[] => {
  const { table, name, last } = sequence
  if (largest <= Number(last)) return []
  const regclass = qualified(sequence.schema, name).replaceAll("'", "''")
  const setval = `SELECT setval('${regclass}', (SELECT max("id") FROM ${qualified(schema, table)}))`
  return [
    finding('error', 'sequence_behind', {
      object: `sequence ${escapeIdentifier(name)} of ${columnName(sequence)}`,
      expected: `at least ${figure(largest)}, the largest id`,
      actual: `at ${figure(Number(last))}: inserts fail while it returns existing ids`,
      help: setval,
    }),
  ]
}

const figure = (amount: number): string => amount.toLocaleString('en-US')
