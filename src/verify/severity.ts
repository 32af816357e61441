/** Most severe first. */
export const SEVERITIES = ['error', 'warning', 'note'] as const

/** `error`: the database is not as expected. `warning`: it works, but needs attention. `note`: worth knowing, nothing is wrong. */
export type Severity = (typeof SEVERITIES)[number]

/** Whether a finding of this severity fails a verify with `--fail-on`. */
export const isFailing = ({ severity }: { readonly severity: Severity }, failOn: Severity): boolean =>
  SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(failOn)
