/** The part of an error that a report shows. */
export interface ReportedError {
  readonly code: string
  readonly message: string
  readonly hint: string | null
  readonly details: readonly string[]
}

/** An error in lines of plain text: what is wrong, facts, what to type next. */
export const describeError = ({ message, hint, details }: ReportedError): readonly string[] => [
  message,
  ...details,
  ...(hint === null ? [] : [`hint: ${hint}`]),
]
