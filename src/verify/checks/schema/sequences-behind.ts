import { qualified } from '../../../database/identifier.js'
import type { RowCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { hasColumns, type Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import { sql } from '../../../next-step.js'
import type { IdSequence } from '../../facts/integrity.js'
import { idsByPlace, lookUpIds } from '../../row-query.js'
import { unreadableSequence } from '../objects/skipped.js'
import { endingFinding, figure, isAscending, largerType, nameOf, sequences } from './sequences.js'

/** How many values a sequence may have left before an id of its half for it to be behind. */
const NEAR = 1_000_000n

/** How many of the next values of a sequence with a larger step are looked up. */
const STEPS = 100

type Code = 'sequence_behind' | 'sequence_ending'

/**
 * Does a sequence return ids that already exist, now or soon? Each id is a single look-up in the primary key. Sequences are
 * read after the snapshot was taken, so concurrent inserts cannot cause these findings.
 *
 * A sequence that has a long way to the next id that exists is not behind it, but ends there; nor is one with negative values
 * behind the positive ids that it began with. With a larger step, such as odd and even ids on two servers, only ids that the
 * sequence itself will return count.
 */
export const sequencesBehind: RowCheck<Code> = {
  name: 'sequences-behind',
  expectations: ALWAYS,
  needs: { ChatMessage: ['id'] },
  skips: unreadableSequence,
  object: 'the largest ids',
  severity: 'error',
  query: (facts) => {
    const ahead = comparable(facts).flatMap((sequence) => idsAhead(sequence, qualified(facts.schema, sequence.table)))
    return ahead.length === 0 ? undefined : lookUpIds(ahead)
  },
  findings: (result, facts) => {
    if (result === undefined) return []
    const ids = idsByPlace(result)
    const idAt = (place: number): bigint | undefined => {
      const id = ids.get(place)
      return id === undefined ? undefined : BigInt(id)
    }
    const met = comparable(facts).map((sequence, index) => {
      const [next, final, other] = [idAt(3 * index), idAt(3 * index + 1), idAt(3 * index + 2)]
      return { sequence, final, end: next ?? other, isBehind: next !== undefined && distance(sequence, next) < NEAR }
    })
    const behind = met.flatMap(({ sequence, final, isBehind }) =>
      isBehind && final !== undefined ? [{ ...sequence, final }] : [],
    )
    // After a restore or a logical upgrade all of them are behind: one statement repairs them.
    const repair = `SELECT ${behind.map((sequence) => setval(sequence, facts)).join(', ')}`
    return [
      ...behind.map((sequence) => behindFinding(sequence, repair)),
      ...met.flatMap(({ sequence, end, isBehind }) =>
        isBehind || end === undefined || sequence.table === 'User' ? [] : endFinding(sequence, end),
      ),
    ]
  },
  explanations: {
    sequence_ending: sequences.explanations.sequence_ending,
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

type KnownSequence = IdSequence & { readonly last: string }

const comparable = (facts: Facts): readonly KnownSequence[] =>
  facts.integrity.sequences.flatMap((sequence) =>
    sequence.last !== null && hasColumns(facts, sequence.table, ['id']) ? [{ ...sequence, last: sequence.last }] : [],
  )

const hasLargerStep = ({ increment }: IdSequence): boolean => !['1', '-1'].includes(increment)

const isNegative = ({ last, increment }: KnownSequence): boolean => BigInt(last) + BigInt(increment) < 0n

const distance = ({ last }: KnownSequence, id: bigint): bigint => {
  const way = id - BigInt(last)
  return way < 0n ? -way : way
}

/** SQL for ids that the sequence will come to: the next and the final one of its half, and the first one after that half. */
const idsAhead = (sequence: KnownSequence, table: string): readonly string[] => {
  const { last, least, largest, cycles } = sequence
  const [first, final, beyond] = isAscending(sequence) ? ['min', 'max', '>'] : ['max', 'min', '<']
  const [half, otherHalf] = isNegative(sequence) ? ['< 0', '>= 0'] : ['>= 0', '< 0']
  const passesZero = isAscending(sequence) === isNegative(sequence)
  const select = (end: string | undefined, condition: string): string =>
    `SELECT ${end}("id") FROM ${table} WHERE "id" BETWEEN ${literal(least)} AND ${literal(largest)} AND ${condition}`
  const lastOfHalf = select(final, `"id" ${beyond} ${literal(last)} AND "id" ${half}`)
  if (hasLargerStep(sequence)) {
    const values = `unnest('{${nextValues(sequence).join(',')}}'::bigint[]) AS v`
    return [`SELECT ${first}(v) FROM ${values} WHERE EXISTS (SELECT FROM ${table} WHERE "id" = v)`, lastOfHalf, 'NULL']
  }
  return [
    select(first, `"id" ${beyond} ${literal(last)} AND "id" ${half}`),
    lastOfHalf,
    select(first, passesZero ? `"id" ${otherHalf}` : String(cycles)),
  ]
}

/** The next values of a sequence, within its half. */
const nextValues = (sequence: KnownSequence): readonly bigint[] => {
  const [last, increment] = [BigInt(sequence.last), BigInt(sequence.increment)]
  return Array.from({ length: STEPS }, (_, index) => last + increment * BigInt(index + 1)).filter(
    (value) =>
      value >= BigInt(sequence.least) && value <= BigInt(sequence.largest) && isNegative(sequence) === value < 0n,
  )
}

// The bare digits of a large number would be numeric, and no index serves the comparison with one.
const literal = (digits: string): string => `'${digits}'::bigint`

const behindFinding = (sequence: KnownSequence & { readonly final: bigint }, repair: string): Finding<Code> => {
  const [word, which] = isAscending(sequence) ? ['at least', 'largest'] : ['at most', 'smallest']
  const kind =
    isAscending(sequence) === isNegative(sequence) ? `${isNegative(sequence) ? 'negative' : 'positive'} ` : ''
  return finding('error', 'sequence_behind', {
    object: nameOf(sequence),
    expected: `${word} ${figure(sequence.final)}, the ${which} ${kind}id`,
    actual: `at ${figure(BigInt(sequence.last))}: inserts fail while it returns existing ids`,
    help: sql(repair),
  })
}

const setval = (sequence: KnownSequence, { schema }: Facts): string => {
  const regclass = qualified(sequence.schema, sequence.name).replaceAll("'", "''")
  const table = qualified(schema, sequence.table)
  const last = isAscending(sequence)
    ? `SELECT ${onItsWay(sequence, 'max("id")')} FROM ${table}${isNegative(sequence) ? ' WHERE "id" < 0' : ''}`
    : `SELECT ${onItsWay(sequence, 'min("id")')} FROM ${table}${isNegative(sequence) ? '' : ' WHERE "id" >= 0'}`
  return `setval('${regclass}', (${last}))`
}

// An odd sequence stays odd: its first own value at or beyond that id.
const onItsWay = (sequence: KnownSequence, id: string): string => {
  if (!hasLargerStep(sequence)) return id
  const { last, increment } = sequence
  const from = literal(last)
  const up = BigInt(increment) + (isAscending(sequence) ? -1n : 1n)
  return `${from} + (${id} - ${from} + ${up}) / ${increment} * ${increment}`
}

/** @param end the first id that exists already, on the sequence's way through all of its values */
const endFinding = (sequence: KnownSequence, end: bigint): readonly Finding<Code>[] => {
  const [last, least, largest] = [BigInt(sequence.last), BigInt(sequence.least), BigInt(sequence.largest)]
  const [from, to, at, stop] = isAscending(sequence) ? [least, largest, last, end] : [-largest, -least, -last, -end]
  // A sequence that cycles has the rest of its values before it, too.
  const [used, size] = stop > at ? [at - from + 1n, stop - from] : [at - stop + 1n, to - from + 1n]
  return endingFinding(sequence, { used, size }, largerType(sequence), `, up to id ${figure(end)}, which exists`)
}
