import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { REQUIRED_ENUM_LABELS } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { hasTable, type Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'

/** Do the enums have the labels that chatkeep writes? */
export const enumLabels: FactCheck = {
  name: 'enum-labels',
  expectations: ALWAYS,
  findings: (facts) =>
    hasTable(facts, 'ChatMessage')
      ? REQUIRED_ENUM_LABELS.flatMap(([name, labels]) => labelFindings(facts, name, labels))
      : [],
}

const labelFindings = ({ catalog, schema }: Facts, name: string, labels: readonly string[]): readonly Finding[] => {
  const actual = catalog.enums.get(name)
  const missing = labels.filter((label) => actual?.includes(label) !== true)
  if (missing.length === 0) return []
  const type = qualified(schema, name)
  const create = `CREATE TYPE ${type} AS ENUM (${labels.map((label) => `'${label}'`).join(', ')})`
  const add = missing.map((label) => `ALTER TYPE ${type} ADD VALUE '${label}'`).join('; ')
  // One gone and one that nobody knows: it was renamed, and rows have the new name.
  const others = (actual ?? []).filter((label) => !labels.includes(label))
  const renamed = missing.length === 1 && others.length === 1
  const rename = `ALTER TYPE ${type} RENAME VALUE '${(others[0] ?? '').replaceAll("'", "''")}' TO '${missing[0] ?? ''}'`
  return [
    finding('error', 'enum_label_missing', {
      object: `enum ${escapeIdentifier(name)}`,
      expected: labels.join(', '),
      actual: actual?.join(', ') ?? 'missing',
      help: actual === undefined ? create : renamed ? rename : add,
    }),
  ]
}
