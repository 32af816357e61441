import { COLUMNS } from './explanations/columns.js'
import type { Explanation, Explanations } from './explanations/explanation.js'
import { HISTORY } from './explanations/history.js'
import { INDEXES } from './explanations/indexes.js'
import { INTEGRITY } from './explanations/integrity.js'
import { LEFTOVERS } from './explanations/leftovers.js'
import { MODELS } from './explanations/models.js'
import { OWN_OBJECTS } from './explanations/own-objects.js'
import { PROBE } from './explanations/probe.js'
import { ROWS } from './explanations/rows.js'
import { SERVER } from './explanations/server.js'
import { TABLES } from './explanations/tables.js'

/** What each code of a finding means, by topic. A finding whose code is not in it does not compile. */
const EXPLANATIONS = {
  ...TABLES,
  ...COLUMNS,
  ...INDEXES,
  ...OWN_OBJECTS,
  ...INTEGRITY,
  ...HISTORY,
  ...LEFTOVERS,
  ...ROWS,
  ...SERVER,
  ...PROBE,
  ...MODELS,
} as const satisfies Explanations

/** Stable, lower-case snake case, part of the public contract. */
export type FindingCode = keyof typeof EXPLANATIONS

export interface ExplainedCode extends Explanation {
  readonly code: FindingCode
}

/** All codes with their explanations, in the order of their topics. */
export const explainedCodes = (): readonly ExplainedCode[] =>
  // Object.entries widens the keys that the record has.
  (Object.entries(EXPLANATIONS) as [FindingCode, Explanation][]).map(([code, explanation]) => ({
    code,
    title: explanation.title,
    severities: explanation.severities,
    meaning: onOneLine(explanation.meaning),
    cause: onOneLine(explanation.cause),
    remedy: onOneLine(explanation.remedy),
  }))

const onOneLine = (text: string): string => text.replaceAll(/\s+/g, ' ')
