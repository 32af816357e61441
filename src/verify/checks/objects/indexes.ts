import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { describeIndex, findIndex, indexState, type RequiredIndex } from '../../../persistence/shape.js'
import type { Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import { again, chatkeep, sql } from '../../../next-step.js'
import type { BrokenIndex } from '../../facts/integrity.js'
import type { Explanations } from '../../explanation.js'

export const INDEX_EXPLANATIONS = {
  index_missing: {
    title: 'an index is missing',
    severities: ['error'],
    meaning: `chatkeep's queries need this index to be fast, and the unique one also prevents storing a message
      twice. Without it, they read the whole table: with ten million messages, seconds instead of milliseconds.`,
    cause: 'The index was dropped, a restore left it out, or the migration that creates it was recorded but not run.',
    remedy: 'Run chatkeep migrate. It builds the index CONCURRENTLY, which does not block writes.',
  },
  index_invalid: {
    title: 'an index is INVALID: it slows down writes and is not used',
    severities: ['error', 'note'],
    meaning: `The server updates the index with every insert but does not use it for queries, and a unique one
      guarantees nothing about older rows. Severity note: the index is being built right now, and is INVALID until the
      build ends.`,
    cause: `CREATE INDEX CONCURRENTLY was cancelled, timed out, found duplicates or lost its connection. Tools that
      only keep a history do not notice it.`,
    remedy: `Run chatkeep migrate. It drops the index and builds it again. If a unique index fails again, chatkeep
      verify reports the duplicate keys.`,
  },
  index_not_ready: {
    title: 'an index is not ready: new rows are not added to it',
    severities: ['error', 'note'],
    meaning: `A concurrent build failed in its first phase (not ready), or a concurrent drop in its last (not live).
      The server does not update the index, so it cannot be made valid and has to be rebuilt. Severity note: the index
      is being built right now.`,
    cause: 'CREATE, DROP or REINDEX INDEX CONCURRENTLY was cancelled or lost its connection.',
    remedy: 'Run chatkeep migrate. It drops the index and builds it again.',
  },
  index_differs: {
    title: 'an index has the expected name but another definition',
    severities: ['error'],
    meaning: `Its columns, order, predicate, uniqueness, collation, operator class or treatment of NULLs differ, so
      queries that need the index may be slow. If it should be unique and is not, messages may be stored twice; if it is
      DEFERRABLE, saving fails. Storage parameters do not count.`,
    cause: 'The index was created by hand or by another tool with another definition, or changed later.',
    remedy: `Rename or drop the index as the finding shows; chatkeep migrate then builds the right one. Drop a
      renamed index once nothing uses it.`,
  },
} as const satisfies Explanations

export type IndexCode = keyof typeof INDEX_EXPLANATIONS

/** Whether an index is missing, INVALID, or has another definition. */
export const indexFindings = (wanted: RequiredIndex, facts: Facts): readonly Finding<IndexCode>[] => {
  const words = { object: `index ${escapeIdentifier(wanted.name)}`, expected: describeIndex(wanted) }
  switch (indexState(facts.catalog, wanted)) {
    case 'ready':
      return []
    case 'missing':
      return [finding('error', 'index_missing', { ...words, actual: 'missing', help: chatkeep('migrate') })]
    case 'invalid':
      return [brokenFinding(wanted, words, facts)]
    case 'conflict':
      return [
        finding('error', 'index_differs', {
          ...words,
          actual: actualIndex(wanted, facts),
          help: [sql(clearName(wanted, facts)), chatkeep('migrate')],
        }),
      ]
  }
}

const BROKEN: Readonly<Record<BrokenIndex['state'], string>> = {
  invalid: 'INVALID: a concurrent build failed',
  'not-ready': 'not ready: a concurrent build failed in its first phase, and new rows are not in the index',
  'not-live': 'not live: a concurrent drop failed, and new rows are not in the index',
}

const brokenFinding = (
  { name }: RequiredIndex,
  words: Pick<Finding, 'object' | 'expected'>,
  facts: Facts,
): Finding<IndexCode> => {
  const broken = facts.integrity.brokenIndexes.find((candidate) => candidate.name === name)
  const state = broken?.state ?? 'invalid'
  const code = state === 'invalid' ? 'index_invalid' : 'index_not_ready'
  if (broken?.building === true) {
    const actual = 'being built right now: queries cannot use it until then'
    return finding('note', code, {
      ...words,
      actual,
      help: ['wait until it is built', again()],
    })
  }
  return finding('error', code, { ...words, actual: BROKEN[state], help: chatkeep('migrate') })
}

const actualIndex = ({ name }: RequiredIndex, { catalog }: Facts): string => {
  const actual = findIndex(catalog, name)
  return actual === undefined ? 'something else' : describeIndex(actual)
}

// A renamed unique index would still reject rows, so it has to be dropped; one of a constraint goes with it.
const clearName = ({ name }: RequiredIndex, { schema, catalog }: Facts): string => {
  const actual = findIndex(catalog, name)
  if (actual !== undefined && actual.deferrable !== null)
    return `ALTER TABLE ${qualified(schema, actual.table)} DROP CONSTRAINT ${escapeIdentifier(name)}`
  return actual?.unique === true
    ? `DROP INDEX ${qualified(schema, name)}`
    : `ALTER INDEX ${qualified(schema, name)} RENAME TO ${escapeIdentifier(`${name}_old`)}`
}
