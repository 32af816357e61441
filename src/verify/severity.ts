/** Most severe first. */
export const SEVERITIES = ['error', 'warning', 'note'] as const

/** `error`: the database is not as expected. `warning`: it works, but needs attention. `note`: worth knowing, nothing is wrong. */
export type Severity = (typeof SEVERITIES)[number]

/** Puts the most severe first. */
export const bySeverity = (a: { readonly severity: Severity }, b: { readonly severity: Severity }): number =>
  SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity)

/** Whether a finding of this severity, which is no unknown one, fails a verify with `--fail-on`. */
export const isFailing = (
  { severity, isUnknown }: { readonly severity: Severity; readonly isUnknown?: boolean },
  failOn: Severity,
): boolean => isUnknown !== true && SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(failOn)
