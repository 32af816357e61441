import type { StandbyState } from '../database/replication/replication-state.js'
import type { GuestColumn } from './facts/guest-columns.js'
import type { Survival } from './facts/survival.js'
import type { Finding } from './finding.js'
import { isFailing, bySeverity, type Severity } from './severity.js'
import { failsMigrate, urgency } from './urgency.js'
import { toSteps, type Next } from '../next-step.js'

/** A finding with the name of the check that made it. */
export type CheckedFinding = Finding & { readonly check: string }

/** A check that found nothing because it could not look. */
export interface SkippedCheck {
  readonly check: string
  readonly reason: string
}

/** The result of a verify. It contains all findings: verify does not stop at the first. */
export interface VerifyReport {
  /** Whether no finding reaches the severity of `failOn`, and no result is unknown. */
  readonly ok: boolean
  readonly schema: string
  readonly serverVersion: string
  /** Whether the server is a standby, and how far it is behind. */
  readonly standby: StandbyState
  readonly survival: Survival
  /** The table of the three guest columns. */
  readonly columns: readonly GuestColumn[]
  /** Names of the checks, in their order. */
  readonly checks: readonly string[]
  /** Those of them that were skipped, and why. */
  readonly skipped: readonly SkippedCheck[]
  /** Most urgent first, in the order in which they are best fixed. */
  readonly findings: readonly CheckedFinding[]
  /** What to do next, for the most urgent finding; null if nothing was found. */
  readonly next: Next | null
  readonly summary: VerifySummary
  readonly durationMs: number
}

export interface VerifySummary {
  readonly checks: number
  readonly errors: number
  readonly warnings: number
  readonly notes: number
  /** Checks without a result, because something that they read was locked; these count in no other figure. */
  readonly unknown: number
}

type Verdict = Pick<VerifyReport, 'ok' | 'checks' | 'findings' | 'next' | 'summary'>

/** Sorts the findings and decides what follows from them. */
export const toVerdict = (
  checks: readonly string[],
  findings: readonly CheckedFinding[],
  failOn: Severity,
): Verdict => {
  const sorted = findings.toSorted(
    (a, b) =>
      Number(a.isUnknown ?? false) - Number(b.isUnknown ?? false) ||
      bySeverity(a, b) ||
      urgency(a.code) - urgency(b.code),
  )
  const known = findings.filter(({ isUnknown }) => isUnknown !== true)
  const unknown = findings.length - known.length
  const count = (wanted: Severity): number => known.filter(({ severity }) => severity === wanted).length
  return {
    ok: unknown === 0 && !findings.some((found) => isFailing(found, failOn)),
    checks,
    findings: sorted,
    next: nextStep(sorted, failOn),
    summary: {
      ...{ checks: checks.length, errors: count('error'), warnings: count('warning'), notes: count('note') },
      unknown,
    },
  }
}

// A running migrate or rollback may already be fixing the other findings. Where migrate would fail, its cause comes first.
const nextStep = (findings: readonly Finding[], failOn: Severity): Next | null => {
  const unknown = findings.find(({ isUnknown }) => isUnknown === true)
  if (unknown !== undefined && !findings.some((found) => isFailing(found, failOn))) return unknown.help
  const [first] = findings
  const needsMigrate = toSteps(first?.help).some(({ kind, text }) => kind === 'chatkeep' && text.startsWith('migrate'))
  const before = needsMigrate ? findings.find(({ code }) => failsMigrate(code)) : undefined
  return (findings.find(({ code }) => code === 'change_running') ?? before ?? first)?.help ?? null
}
