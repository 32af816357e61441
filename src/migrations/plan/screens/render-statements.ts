import { printable, printableLines } from '../../../terminal/printable.js'
import { byteSize } from '../../../terminal/render.js'
import type { StatementDetails, StepDetails } from '../describe-step.js'

/** Every statement in full, with all its locks and the basis of its estimate. */
export const renderStatements = (steps: readonly StepDetails[]): readonly string[] =>
  steps.flatMap(({ title, statements }) =>
    statements.flatMap((statement) => ['', ...factLines(title, statement), `${printableLines(statement.sql, '')};`]),
  )

const factLines = (
  title: string,
  { description, locks, estimate, indexBytes, inTransaction }: StatementDetails,
): readonly string[] => {
  const taken = locks.map(({ table, mode }) => `${mode} on ${table}`).join(', ')
  return [
    `-- ${title}: ${description}`,
    `-- locks: ${taken === '' ? 'none' : taken}; ${inTransaction ? 'in a transaction' : 'outside a transaction'}`,
    `-- time: ${estimate.basis}`,
    ...(indexBytes === 0 ? [] : [`-- index: up to ${byteSize(indexBytes)}`]),
  ].map(printable)
}
