import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { describeIndex, findIndex, indexState, type RequiredIndex } from '../../../persistence/shape.js'
import type { Facts } from '../../facts/facts.js'
import { commandLine, finding, type Finding } from '../../finding.js'
import type { BrokenIndex } from '../../facts/integrity.js'

/** What is wrong with one index: missing, INVALID, or another one under its name. */
export const indexFindings = (wanted: RequiredIndex, facts: Facts): readonly Finding[] => {
  const words = { object: `index ${escapeIdentifier(wanted.name)}`, expected: describeIndex(wanted) }
  const migrate = commandLine('migrate', facts)
  switch (indexState(facts.catalog, wanted)) {
    case 'ready':
      return []
    case 'missing':
      return [finding('error', 'index_missing', { ...words, actual: 'missing', help: migrate })]
    case 'invalid':
      return [brokenFinding(wanted, words, facts)]
    case 'conflict':
      return [
        finding('error', 'index_differs', {
          ...words,
          actual: actualIndex(wanted, facts),
          help: `${clearName(wanted, facts)}; then ${migrate}`,
        }),
      ]
  }
}

const BROKEN: Readonly<Record<BrokenIndex['state'], string>> = {
  invalid: 'INVALID: a concurrent build died',
  'not-ready': 'not ready: a concurrent build died in its first phase, and new rows are not in it',
  'not-live': 'not live: a concurrent drop died, and new rows are not in it',
}

const brokenFinding = ({ name }: RequiredIndex, words: Pick<Finding, 'object' | 'expected'>, facts: Facts): Finding => {
  const broken = facts.integrity.brokenIndexes.find((candidate) => candidate.name === name)
  const state = broken?.state ?? 'invalid'
  const code = state === 'invalid' ? 'index_invalid' : 'index_not_ready'
  if (broken?.building === true) {
    const actual = 'being built at this moment: until then nobody reads by it'
    return finding('note', code, {
      ...words,
      actual,
      help: `wait until it is built, then ${commandLine('verify', facts)}`,
    })
  }
  return finding('error', code, { ...words, actual: BROKEN[state], help: commandLine('migrate', facts) })
}

const actualIndex = ({ name }: RequiredIndex, { catalog }: Facts): string => {
  const actual = findIndex(catalog, name)
  return actual === undefined ? 'something else' : describeIndex(actual)
}

// A unique index refuses rows under any name, so only dropping it helps.
const clearName = ({ name }: RequiredIndex, { schema, catalog }: Facts): string =>
  findIndex(catalog, name)?.unique === true
    ? `DROP INDEX ${qualified(schema, name)}`
    : `ALTER INDEX ${qualified(schema, name)} RENAME TO ${escapeIdentifier(`${name}_old`)}`
