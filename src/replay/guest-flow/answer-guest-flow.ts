import { describeTarget } from '../../database/connection-target.js'
import { printable } from '../../terminal/printable.js'
import type { Render } from '../../terminal/render.js'
import { verdictLast, type Answer } from '../../terminal/answer.js'
import { sameDatabaseHint, verdictWord } from '../verdict.js'
import { isGuestFlowClean, runGuestFlow, type GuestFlowOptions, type GuestFlowReport } from './guest-flow.js'
import type { CaseResult } from './judge.js'
import { renderRemoval } from './removal.js'

/** Plays the guest flow. */
export const answerGuestFlow = async (options: GuestFlowOptions): Promise<Answer> => {
  const { url } = options
  const report = await runGuestFlow(options)
  const target = describeTarget(options.target)
  return {
    exitCode: isGuestFlowClean(report) ? 0 : 1,
    data: { scenario: 'guest-flow', target, url: url ?? null, ...report },
    ...verdictLast((render) => renderGuestFlow(report, { url, target }, render)),
  }
}

const renderGuestFlow = (
  report: GuestFlowReport,
  { url, target }: { readonly url: string | undefined; readonly target: string },
  render: Render,
): readonly string[] => {
  const { cases, removal } = report
  const ok = isGuestFlowClean(report)
  const passed = cases.filter((one) => one.ok).length
  return [
    ...cases.flatMap((one) => renderCase(one, render)),
    ...(ok || url === undefined ? [] : ['', sameDatabaseHint(url, target)]),
    '',
    `${verdictWord(ok, render)} ${passed} of ${cases.length} cases passed; ${printable(renderRemoval(removal, report))}`,
  ]
}

const renderCase = ({ name, expected, found, ok }: CaseResult, { paint }: Render): readonly string[] => [
  `${ok ? paint.green('ok  ') : paint.red('FAIL')}  ${name}`,
  `      expected: ${expected}`,
  `      found:    ${printable(found)}`,
]
