import { describeSteps, type TargetNaming } from '../next-step.js'
import { printable } from '../terminal/printable.js'
import type { Render } from '../terminal/render.js'
import { rowsOf } from '../terminal/wrap.js'
import type { Problem } from './problem.js'
import type { Status } from './read-status.js'
import { isKnown } from './reading.js'
import { renderSection } from './render-section.js'
import { chatFacts, sectionsOf } from './status-facts.js'

/** A status, and what it is about. */
export interface NamedStatus extends Status {
  readonly target: string
  readonly schema: string
  readonly database: string
  /** What is wrong, the most urgent first. */
  readonly problems: readonly Problem[]
  readonly naming: TargetNaming | undefined
}

/** How much of its lists a screen shows, the most first. */
const DETAILS = [20, 5, 2, 1, 0] as const

/** One screen: the chat, its database, its update, its servers, and last the most urgent thing and what to type. */
export const renderStatus = (status: NamedStatus, render: Render): string => {
  const screens = DETAILS.map((most) => renderScreen(status, render, most))
  return screens.find((screen) => rowsOf(screen, render.width) < render.height) ?? cut(screens.at(-1) ?? '', render)
}

const renderScreen = (status: NamedStatus, render: Render, most: number): string => {
  const { target, schema, at, problems } = status
  return [
    printable(`status  ${target}  schema ${schema}  ${at.toISOString().replace(/\.\d+Z/, 'Z')}`),
    '',
    ...sectionsOf(status, most).map((section) => renderSection(section, render)),
    ...problems
      .slice(1, 1 + most)
      .map(({ severity, text }) => renderSection({ label: severity, facts: [text] }, render)),
    '',
    renderVerdict(status, render),
  ].join('\n')
}

/** The last lines have the verdict; what does not fit is left out before it. */
const cut = (screen: string, { width, height }: Render): string => {
  const lines = screen.split('\n')
  const end = lines.lastIndexOf('')
  const verdict = lines.slice(end)
  const body = lines.slice(0, end)
  while (body.length > 1 && rowsOf([...body, '…', ...verdict].join('\n'), width) >= height) body.pop()
  return [...body, '…', ...verdict].join('\n')
}

/** One line: the most urgent thing and what to type; where nothing is wrong, how the chat is. */
export const renderLine = (status: NamedStatus, render: Render): string => {
  const { chat, problems } = status
  const facts = problems.length === 0 && isKnown(chat) ? `: ${chatFacts(chat.value).join(', ')}` : ''
  return `${renderVerdict(status, render)}${printable(facts)}`
}

/** The most urgent thing, and what to type. */
const renderVerdict = ({ database, problems, naming }: NamedStatus, { paint }: Render): string => {
  const [first, ...others] = problems
  if (first === undefined) return `${paint.green('ok:')} ${printable(database)} is healthy`
  const label = { error: paint.red('FAIL:'), warning: paint.yellow('warning:'), unknown: paint.yellow('unknown:') }
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  const end = `${first.text}${more}`.replace(/[^.…]$/, '$&.')
  const next = first.next.length === 0 ? '' : ` Next: ${describeSteps(first.next, naming)}`
  return `${label[first.severity]} ${printable(next === '' ? `${first.text}${more}` : `${end}${next}`)}`
}
