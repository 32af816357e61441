import type { DataCheck } from '../../check.js'
import type { FindingCode } from '../../codes.js'
import type { Finding } from '../../finding.js'
import type { Answer } from '../../question.js'

/**
 * What a check says that counts rows which should not be there: nothing when there are none, or when nobody could ask.
 * @param describe the count in words, when it alone does not say enough
 */
export const rowsFound = (
  { object, severity }: Pick<DataCheck, 'object' | 'severity'>,
  code: FindingCode,
  answer: Answer | undefined,
  help: string,
  describe: (count: number) => string = String,
): readonly Finding[] => {
  const [count = 0] = answer?.counts ?? []
  if (answer === undefined || count === 0) return []
  return [{ code, severity, object, expected: '0', actual: describe(count), sample: answer.sample, help }]
}
