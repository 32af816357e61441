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
      meaning: `When the sequence reaches its limit, that of the column's type (2,147,483,647 for integer), or an id
        that exists, inserts fail. Severity warning from 80 %, error from 95 %.`,
      cause: `Many rows, or values consumed without a row: INSERT … ON CONFLICT, failed inserts, or a setval far
        ahead. A sequence that went on with negative ids ends at the first of the ids that it began with.`,
      remedy: `For an integer id, ALTER TABLE … ALTER COLUMN … TYPE bigint rewrites the table under an exclusive
        lock, so do it early, or use a new column that a trigger fills. Change the columns that refer to the id first.
        As a stopgap, ALTER SEQUENCE … MINVALUE -2147483648 RESTART WITH -2147483648 goes on with negative ids, if the
        application takes them. For a sequence with a limit of its own, ALTER SEQUENCE … NO MAXVALUE. chatkeep works
        with both types, and with negative ids.`,
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
  const { last, least, largest, cycles } = sequence
  if (last === null || cycles) return []
  const size = BigInt(largest) - BigInt(least) + 1n
  const used = isAscending(sequence) ? BigInt(last) - BigInt(least) : BigInt(largest) - BigInt(last)
  return endingFinding(sequence, { used: used + 1n, size }, wayOut(sequence, facts))
}

export const isAscending = ({ increment }: Pick<IdSequence, 'increment'>): boolean => !increment.startsWith('-')

/** The finding that a sequence has used most of its values; none when it has not. @param end what follows the last value */
export const endingFinding = (
  sequence: IdSequence,
  { used, size }: { readonly used: bigint; readonly size: bigint },
  help: Next,
  end = '',
): readonly Finding<'sequence_ending'>[] => {
  const percent = Number((100n * used) / size)
  const severity = severityOf(percent)
  if (severity === undefined) return []
  return [
    finding(severity, 'sequence_ending', {
      object: nameOf(sequence),
      expected: `less than ${WARNING_FROM} % of its values used`,
      actual: `${percent} % used: ${figure(used)} of ${figure(size)}${end}`,
      help,
    }),
  ]
}

const severityOf = (percent: number): Severity | undefined => {
  if (percent >= ERROR_FROM) return 'error'
  return percent >= WARNING_FROM ? 'warning' : undefined
}

/** A sequence, for messages. */
export const nameOf = (sequence: IdSequence): string =>
  `sequence ${escapeIdentifier(sequence.name)} of ${columnName(sequence)}`

export const figure = (amount: bigint): string => amount.toLocaleString('en-US')

const LARGEST_INTEGER = 2_147_483_647n

// If the column can hold larger values, only the sequence limits them.
const wayOut = (sequence: IdSequence, facts: Facts): Next => {
  const { table, column, schema, name, least, largest } = sequence
  const type = facts.catalog.columns.find((candidate) => candidate.table === table && candidate.column === column)?.type
  const [limit, word] = isAscending(sequence) ? [BigInt(largest), 'MAXVALUE'] : [-BigInt(least) - 1n, 'MINVALUE']
  return (type === 'integer' && limit < LARGEST_INTEGER) || type === 'bigint'
    ? sql(`ALTER SEQUENCE ${qualified(schema, name)} NO ${word}`)
    : largerType(sequence)
}

export const largerType = (sequence: IdSequence): Next =>
  shell('chatkeep explain sequence_ending', `plan the change of ${columnName(sequence)} to bigint`)

const ownerFindings = (sequence: IdSequence, { schema }: Facts): readonly Finding<Code>[] => {
  if (sequence.owned) return []
  const { table, column, name } = sequence
  return [
    finding('note', 'sequence_not_owned', {
      object: nameOf(sequence),
      expected: 'owned by this column',
      actual: 'not owned by it: a dump of the table alone leaves it out',
      help: sql(
        `ALTER SEQUENCE ${qualified(sequence.schema, name)} OWNED BY ${qualified(schema, table)}.${escapeIdentifier(column)}`,
        'unless it is shared',
      ),
    }),
  ]
}
