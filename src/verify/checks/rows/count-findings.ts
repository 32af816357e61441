import { type Next } from '../../../next-step.js'
import type { RowCheck } from '../../check.js'
import type { Finding } from '../../finding.js'
import type { RowQueryResult } from '../../row-query.js'

/**
 * The finding that there are rows of a kind that should not exist; none if there are no such rows, or no result.
 * @param describe turns the count into words, where the number alone does not say enough
 */
export const countFindings = <Code extends string>(
  { object, severity }: Pick<RowCheck, 'object' | 'severity'>,
  code: Code,
  result: RowQueryResult | undefined,
  help: Next,
  describe: (count: number) => string = String,
): readonly Finding<Code>[] => {
  const [count = 0] = result?.counts ?? []
  if (result === undefined || count === 0) return []
  return [{ code, severity, object, expected: '0', actual: describe(count), sample: result.sample, help }]
}
