import type { TargetNaming } from '../../../next-step.js'
import type { OperatorError } from '../../../errors.js'
import { errorLines, toErrorDocument, type ErrorDocument } from '../../../terminal/error-document.js'
import { printableLines } from '../../../terminal/printable.js'
import type { Render } from '../../../terminal/render.js'
import type { PlanDetails } from '../describe-plan.js'

/** The verdict of a dry run whose run would be refused: its error, without what the plan above it says already. */
export const renderRefusal = (
  refusal: OperatorError,
  plan: Pick<PlanDetails, 'obstacles'> | undefined,
  naming: TargetNaming | undefined,
  { paint }: Render,
): string => {
  const document = toErrorDocument(refusal, naming)
  const shown = new Set(plan?.obstacles.map(({ text }) => text))
  const details = document.details.filter((detail) => !shown.has(detail))
  const [first = '', ...rest] = errorLines({ ...document, details }).map((line) => printableLines(line))
  return [`${paint.red('dry run:')} would end with exit code ${refusal.exitCode}: ${first}`, ...rest].join('\n')
}

/** The field `error` of its JSON document: what the run itself would print. */
export const refusalDocument = (
  refusal: OperatorError | undefined,
  naming: TargetNaming | undefined,
): { readonly error?: ErrorDocument } => (refusal === undefined ? {} : { error: toErrorDocument(refusal, naming) })
