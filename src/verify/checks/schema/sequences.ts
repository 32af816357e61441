import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { columnName } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import type { Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import type { Severity } from '../../severity.js'
import type { IdSequence } from '../../facts/integrity.js'

/** How many percent of the ids may be spent. */
const WARNING_FROM = 80
const ERROR_FROM = 95

/** Are there ids left for many more messages and clients, and do their sequences belong to them? */
export const sequences: FactCheck = {
  name: 'sequences',
  expectations: ALWAYS,
  findings: (facts) =>
    facts.integrity.sequences
      .filter(({ table }) => table !== 'User')
      .flatMap((sequence) => [...endingFindings(sequence, facts), ...ownerFindings(sequence, facts)]),
}

const endingFindings = (sequence: IdSequence, facts: Facts): readonly Finding[] => {
  const { last, limit } = sequence
  if (last === null) return []
  const percent = Math.floor((Number(last) / Number(limit)) * 100)
  const severity = severityOf(percent)
  if (severity === undefined) return []
  return [
    finding(severity, 'sequence_ending', {
      object: `sequence ${escapeIdentifier(sequence.name)} of ${columnName(sequence)}`,
      expected: `less than ${WARNING_FROM} % of its values spent`,
      actual: `${percent} % spent: ${figure(last)} of ${figure(limit)}`,
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

// As long as the column holds more, only the sequence is in the way.
const wayOut = ({ table, column, schema, name, limit }: IdSequence, facts: Facts): string => {
  const type = facts.catalog.columns.find((candidate) => candidate.table === table && candidate.column === column)?.type
  const isShort = type === 'integer' && Number(limit) < LARGEST_INTEGER
  return isShort || type === 'bigint'
    ? `ALTER SEQUENCE ${qualified(schema, name)} NO MAXVALUE`
    : `plan the change of ${columnName({ table, column })} to bigint: chatkeep explain sequence_ending`
}

const ownerFindings = (sequence: IdSequence, { schema }: Facts): readonly Finding[] => {
  if (sequence.owned) return []
  const { table, column, name } = sequence
  return [
    finding('note', 'sequence_not_owned', {
      object: `sequence ${escapeIdentifier(name)} of ${columnName(sequence)}`,
      expected: 'owned by that column',
      actual: 'not owned by it: a dump of the table alone leaves it out',
      help: `ALTER SEQUENCE ${qualified(sequence.schema, name)} OWNED BY ${qualified(schema, table)}.${escapeIdentifier(column)}, unless it is shared`,
    }),
  ]
}
