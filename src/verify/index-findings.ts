import { escapeIdentifier, qualified } from '../database/identifier.js'
import { describeIndex, findIndex, indexState, type RequiredIndex } from '../persistence/shape.js'
import type { Facts } from './facts.js'
import { commandLine, finding, type Finding } from './finding.js'

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
      return [
        finding('error', 'index_invalid', { ...words, actual: 'INVALID: a concurrent build died', help: migrate }),
      ]
    case 'conflict':
      return [
        finding('error', 'index_differs', {
          ...words,
          actual: actualIndex(wanted, facts),
          help: `${renameIndex(wanted, facts)}; then ${migrate}`,
        }),
      ]
  }
}

const actualIndex = ({ name }: RequiredIndex, { catalog }: Facts): string => {
  const actual = findIndex(catalog, name)
  return actual === undefined ? 'something else' : describeIndex(actual)
}

const renameIndex = ({ name }: RequiredIndex, { schema }: Facts): string =>
  `ALTER INDEX ${qualified(schema, name)} RENAME TO ${escapeIdentifier(`${name}_old`)}`
