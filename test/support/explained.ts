import { expect } from './database.js'
import { explainedCodes } from '../../src/verify/explained-codes.js'
import type { FoundFinding } from './findings.js'

const severities = new Map<string, readonly string[]>(
  explainedCodes().map(({ code, severities: possible }) => [code, possible]),
)

/** Every code has an explanation, and one that allows for its severity. */
export const expectExplained = (found: readonly FoundFinding[]): void => {
  for (const { code, severity } of found) expect(severities.get(code), code).toContain(severity)
}
