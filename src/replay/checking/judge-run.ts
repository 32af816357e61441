import type { Check } from './check-operations.js'

/** How often an injected fault fired. */
export interface FaultCount {
  readonly fault: string
  readonly times: number
}

/** `unknown` is not a success: there was not enough evidence. */
export interface RunJudgement {
  readonly verdict: 'passed' | 'failed' | 'unknown'
  /** Why it is not `passed`; empty when it is. */
  readonly reasons: readonly string[]
}

/** Any finding fails the run; without one it passes only if there was evidence to judge. */
export const judgeRun = (check: Check, faults: readonly FaultCount[] = []): RunJudgement => {
  const found = FAILURES.filter(([kind]) => check[kind].count > 0).map(
    ([kind, words]) => `${check[kind].count.toLocaleString('en-US')} ${words}`,
  )
  if (found.length > 0) return { verdict: 'failed', reasons: found }
  const { rows, shown, reachable } = check.evidence
  const missing = [
    ...(check.outcomes.ok === 0 ? ['no message was acknowledged'] : []),
    ...(rows === 0 ? ['nothing was read back'] : []),
    ...(shown === 0 ? ['no message was shown'] : []),
    ...(reachable === 0 ? ['history showed nothing'] : []),
    ...faults.filter(({ times }) => times === 0).map(({ fault }) => `the fault "${fault}" never fired`),
  ]
  return { verdict: missing.length === 0 ? 'passed' : 'unknown', reasons: missing }
}

type Kind = {
  [Key in keyof Check]: Check[Key] extends { readonly count: number } ? Key : never
}[keyof Check]

/** Each kind of finding, and its name in reports. */
const FAILURES: readonly (readonly [Kind, string])[] = [
  ['lost', 'lost'],
  ['doubled', 'doubled'],
  ['altered', 'altered'],
  ['unexpected', 'unexpected'],
  ['outOfOrder', 'out of order'],
  ['doubledClients', 'names of several clients'],
  ['shownNotStored', 'shown and not stored'],
  ['unreachable', 'stored and not reachable'],
]
