import { checks } from './checks/index.js'
import type { Explanation, Explanations } from './explanation.js'
import { GUIDE_EXPLANATIONS } from './guide/explanations.js'
import { MODEL_EXPLANATIONS } from './models/explanations.js'
import { PROBE_EXPLANATIONS } from './probe/explanations.js'
import { TIMEOUT_EXPLANATIONS } from './timed-out.js'

/** A code of a finding with its explanation, each text on one line. */
export interface ExplainedCode extends Explanation {
  /** Stable, lower-case snake case, part of the public contract. */
  readonly code: string
}

/** All codes: those of the checks in the order of the checks, then the others. A code that checks share appears once. */
export const explainedCodes = (): readonly ExplainedCode[] =>
  Object.entries(ALL).map(([code, { title, severities, meaning, cause, remedy }]) => ({
    code,
    title,
    severities,
    meaning: onOneLine(meaning),
    cause: onOneLine(cause),
    remedy: onOneLine(remedy),
  }))

const ALL: Explanations = Object.assign(
  {},
  ...checks.map(({ explanations }) => explanations),
  TIMEOUT_EXPLANATIONS,
  PROBE_EXPLANATIONS,
  MODEL_EXPLANATIONS,
  GUIDE_EXPLANATIONS,
) as Explanations

const onOneLine = (text: string): string => text.replaceAll(/\s+/g, ' ')
