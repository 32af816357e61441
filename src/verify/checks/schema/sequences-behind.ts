import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { columnName } from '../../../persistence/shape.js'
import type { RowCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { hasColumns, type Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import { sql } from '../../../next-step.js'
import type { IdSequence } from '../../facts/integrity.js'
import { unreadableSequence } from '../objects/skipped.js'

type Code = 'sequence_behind'

/**
 * Does a sequence return ids that already exist? The largest id is a single lookup in the primary key. Sequences are read after
 * the snapshot was taken, so concurrent inserts cannot cause this finding.
 */
export const sequencesBehind: RowCheck<Code> = {
  name: 'sequences-behind',
  expectations: ALWAYS,
  needs: { ChatMessage: ['id'] },
  skips: unreadableSequence,
  object: 'the largest ids',
  severity: 'error',
  query: (facts) => {
    const tables = comparable(facts).map(({ table }) => qualified(facts.schema, table))
    if (tables.length === 0) return undefined
    const largest = tables.map((table) => `(SELECT coalesce(max("id"), 0)::bigint FROM ${table})`)
    return `SELECT ARRAY[${largest.join(', ')}] AS "counts", ARRAY[]::bigint[] AS "sample"`
  },
  findings: (result, facts) => {
    const behind = comparable(facts).flatMap((sequence, index) => {
      const largest = result?.counts[index]
      return largest === undefined || largest <= Number(sequence.last) ? [] : [{ ...sequence, largest }]
    })
    // After a restore or a logical upgrade all of them are behind: one statement repairs them.
    const repair = `SELECT ${behind.map((sequence) => setval(sequence, facts)).join(', ')}`
    return behind.map((sequence) => behindFinding(sequence, repair))
  },
  explanations: {
    sequence_behind: {
      title: 'a sequence is behind the existing ids',
      severities: ['error'],
      meaning: `The next values of the sequence are ids that already exist, so inserts fail with a unique violation
        on the primary key until the sequence has passed them.`,
      cause: `Rows were inserted with their ids (an import, a restore of some tables, a logical upgrade: subscriptions
        do not carry sequences over) without a setval afterwards.`,
      remedy: `Run the statement in the finding, which repairs every sequence of the chat's tables and is safe under
        live traffic. Other tables of the application may need the same. On a subscriber, run it at the switch-over,
        when nothing is written on the publisher any more.`,
    },
  },
}

const comparable = (facts: Facts): readonly IdSequence[] =>
  facts.integrity.sequences.filter(
    ({ table, last, increment }) => last !== null && Number(increment) > 0 && hasColumns(facts, table, ['id']),
  )

const behindFinding = (sequence: IdSequence & { readonly largest: number }, repair: string): Finding<Code> =>
  finding('error', 'sequence_behind', {
    object: `sequence ${escapeIdentifier(sequence.name)} of ${columnName(sequence)}`,
    expected: `at least ${figure(sequence.largest)}, the largest id`,
    actual: `at ${figure(Number(sequence.last))}: inserts fail while it returns existing ids`,
    help: sql(repair),
  })

const setval = ({ table, schema, name }: IdSequence, facts: Facts): string => {
  const regclass = qualified(schema, name).replaceAll("'", "''")
  return `setval('${regclass}', (SELECT max("id") FROM ${qualified(facts.schema, table)}))`
}

const figure = (amount: number): string => amount.toLocaleString('en-US')
