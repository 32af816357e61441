import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { columnName } from '../../../persistence/shape.js'
import type { DataCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { hasColumns, type Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import type { IdSequence } from '../../facts/integrity.js'

/**
 * Does a sequence hand out ids that are taken? The largest id is one look into the primary key, whatever the size of the
 * table. Sequences are read after the snapshot was taken, so inserts meanwhile do not look like it.
 */
export const sequencesBehind: DataCheck = {
  name: 'sequences-behind',
  expectations: ALWAYS,
  object: 'the largest ids',
  severity: 'error',
  question: (facts) => {
    const tables = askable(facts).map(({ table }) => qualified(facts.schema, table))
    if (tables.length === 0) return undefined
    const largest = tables.map((table) => `(SELECT coalesce(max("id"), 0)::bigint FROM ${table})`)
    return `SELECT ARRAY[${largest.join(', ')}] AS "counts", ARRAY[]::bigint[] AS "sample"`
  },
  findings: (answer, facts) =>
    askable(facts).flatMap((sequence, index) => {
      const largest = answer?.counts[index]
      return largest === undefined ? [] : behindFindings(sequence, largest, facts)
    }),
}

const askable = (facts: Facts): readonly IdSequence[] =>
  facts.integrity.sequences.filter(
    ({ table, last, increment }) =>
      last !== null && Number(increment) > 0 && table !== 'User' && hasColumns(facts, table, ['id']),
  )

const behindFindings = (sequence: IdSequence, largest: number, { schema }: Facts): readonly Finding[] => {
  const { table, name, last } = sequence
  if (largest <= Number(last)) return []
  const regclass = qualified(sequence.schema, name).replaceAll("'", "''")
  const setval = `SELECT setval('${regclass}', (SELECT max("id") FROM ${qualified(schema, table)}))`
  return [
    finding('error', 'sequence_behind', {
      object: `sequence ${escapeIdentifier(name)} of ${columnName(sequence)}`,
      expected: `at ${figure(largest)} or later, the largest id`,
      actual: `at ${figure(Number(last))}: inserts fail while it hands out ids that are taken`,
      help: setval,
    }),
  ]
}

const figure = (amount: number): string => amount.toLocaleString('en-US')
