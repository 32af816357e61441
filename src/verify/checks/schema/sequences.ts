import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { columnName } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import type { Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import { shell, sql, type Next } from '../../../next-step.js'
import type { Severity } from '../../severity.js'
import type { IdSequence } from '../../facts/integrity.js'
import { unreadableSequence } from '../objects/skipped.js'

type Code = 'sequence_ending' | 'sequence_not_owned'

/** Percentage of used ids from which a finding is a warning or an error. */
const WARNING_FROM = 80
const ERROR_FROM = 95

/** Are enough ids left, and are the sequences owned by their columns? */
export const sequences: FactCheck<Code> = {
  name: 'sequences',
  expectations: ALWAYS,
  needs: { ChatMessage: [], Client: [] },
  skips: unreadableSequence,
  findings: (facts) =>
    facts.integrity.sequences
      .filter(({ table }) => table !== 'User')
      .flatMap((sequence) => [...endingFindings(sequence, facts), ...ownerFindings(sequence, facts)]),
  explanations: {
    sequence_ending: {
      title: 'ids are running out',
      severities: ['error', 'warning'],
      meaning: `When the sequence reaches its limit, or that of the column's type (2,147,483,647 for integer), every
        insert fails. Severity warning from 80 %, error from 95 %.`,
      cause: `Many rows, or values consumed without a row: INSERT … ON CONFLICT, failed inserts, or a setval far
        ahead.`,
      remedy: `For an integer id, ALTER TABLE … ALTER COLUMN … TYPE bigint rewrites the table under an exclusive
        lock, so do it early, or use a new column that a trigger fills. Change the columns that refer to the id first.
        For a sequence with a limit of its own, ALTER SEQUENCE … NO MAXVALUE. chatkeep works with both types.`,
    },
    sequence_not_owned: {
      title: 'a sequence is not owned by its column',
      severities: ['note'],
      meaning: `Inserts work. But a dump of the table alone leaves the sequence out, DROP TABLE keeps it, and
        TRUNCATE … RESTART IDENTITY does not reset it.`,
      cause: `The default (nextval) was written by hand, or the table was rebuilt under a new name. A sequence that
        several tables share on purpose is fine.`,
      remedy: 'Run the ALTER SEQUENCE … OWNED BY in the finding, unless the sequence is shared.',
    },
  },
}

const endingFindings = (sequence: IdSequence, facts: Facts): readonly Finding<Code>[] => {
  const { last, limit } = sequence
  if (last === null) return []
  const percent = Math.floor((Number(last) / Number(limit)) * 100)
  const severity = severityOf(percent)
  if (severity === undefined) return []
  return [
    finding(severity, 'sequence_ending', {
      object: `sequence ${escapeIdentifier(sequence.name)} of ${columnName(sequence)}`,
      expected: `less than ${WARNING_FROM} % of its values used`,
      actual: `${percent} % used: ${figure(last)} of ${figure(limit)}`,
      help: wayOut(sequence, facts),
    }),
  ]
}

const severityOf = (percent: number): Severity | undefined => {
  if (percent >= ERROR_FROM) return 'error'
  return percent >= WARNING_FROM ? 'warning' : undefined
}

const figure = (digits: string): string => BigInt(digits).toLocaleString('en-US')

const LARGEST_INTEGER = 2_147_483_647

// If the column can hold larger values, only the sequence limits them.
const wayOut = ({ table, column, schema, name, limit }: IdSequence, facts: Facts): Next => {
  const type = facts.catalog.columns.find((candidate) => candidate.table === table && candidate.column === column)?.type
  const isShort = type === 'integer' && Number(limit) < LARGEST_INTEGER
  return isShort || type === 'bigint'
    ? sql(`ALTER SEQUENCE ${qualified(schema, name)} NO MAXVALUE`)
    : shell('chatkeep explain sequence_ending', `plan the change of ${columnName({ table, column })} to bigint`)
}

const ownerFindings = (sequence: IdSequence, { schema }: Facts): readonly Finding<Code>[] => {
  if (sequence.owned) return []
  const { table, column, name } = sequence
  return [
    finding('note', 'sequence_not_owned', {
      object: `sequence ${escapeIdentifier(name)} of ${columnName(sequence)}`,
      expected: 'owned by this column',
      actual: 'not owned by it: a dump of the table alone leaves it out',
      help: sql(
        `ALTER SEQUENCE ${qualified(sequence.schema, name)} OWNED BY ${qualified(schema, table)}.${escapeIdentifier(column)}`,
        'unless it is shared',
      ),
    }),
  ]
}
