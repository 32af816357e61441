import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { REQUIRED_ENUM_LABELS } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { hasTable, type Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import { sql } from '../../../next-step.js'

type Code = 'enum_label_missing'

/** Do the enums have the labels that chatkeep writes? */
export const enumLabels: FactCheck<Code> = {
  name: 'enum-labels',
  expectations: ALWAYS,
  needs: { ChatMessage: [] },
  findings: (facts) =>
    hasTable(facts, 'ChatMessage')
      ? REQUIRED_ENUM_LABELS.flatMap(([name, labels]) => labelFindings(facts, name, labels))
      : [],
  explanations: {
    enum_label_missing: {
      title: 'an enum lacks a label that chatkeep writes',
      severities: ['error'],
      meaning: `Every message has a sender type (CLIENT, OPERATOR) and a message type (TEXT, IMAGE). The server
        rejects messages that need a missing label: invalid input value for enum.`,
      cause: 'A migration of the application renamed a label, or recreated the type without it.',
      remedy: `Run the ALTER TYPE … ADD VALUE in the finding. If the label was renamed, rename it back with ALTER
        TYPE … RENAME VALUE, because existing rows use it.`,
    },
  },
}

const labelFindings = (
  { catalog, schema }: Facts,
  name: string,
  labels: readonly string[],
): readonly Finding<Code>[] => {
  const actual = catalog.enums.get(name)
  const missing = labels.filter((label) => actual?.includes(label) !== true)
  if (missing.length === 0) return []
  const type = qualified(schema, name)
  const create = `CREATE TYPE ${type} AS ENUM (${labels.map((label) => `'${label}'`).join(', ')})`
  const add = missing.map((label) => `ALTER TYPE ${type} ADD VALUE '${label}'`)
  // One label missing and one unknown: it was renamed, and rows use the new name.
  const others = (actual ?? []).filter((label) => !labels.includes(label))
  const renamed = missing.length === 1 && others.length === 1
  const rename = `ALTER TYPE ${type} RENAME VALUE '${(others[0] ?? '').replaceAll("'", "''")}' TO '${missing[0] ?? ''}'`
  return [
    finding('error', 'enum_label_missing', {
      object: `enum ${escapeIdentifier(name)}`,
      expected: labels.join(', '),
      actual: actual?.join(', ') ?? 'missing',
      help: sql(actual === undefined ? create : renamed ? rename : add),
    }),
  ]
}
