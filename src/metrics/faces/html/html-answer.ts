import type { Answer } from '../../../terminal/answer.js'
import type { Terminal } from '../../../terminal/terminal.js'
import type { ShownReport } from '../../shown-report.js'
import { uPlotAssets } from './page-assets.js'
import { renderPage } from './render-page.js'
import { writePage } from './write-page.js'

/** Writes the page of a report beside the answer, or makes it the answer. @param path `-` for stdout */
export const withPage = async (
  path: string,
  shown: ShownReport,
  answer: Answer,
  { cwd, progress }: Pick<Terminal, 'cwd' | 'progress'>,
): Promise<Answer> => {
  const page = renderPage(shown, uPlotAssets())
  if (path === '-') return { ...answer, isScript: true, text: () => page.trimEnd() }
  await writePage(path, cwd, page)
  const text = `page written to ${path}`
  const event = { type: 'note', text }
  progress.update({ event, text, kind: 'line', key: text })
  return answer
}
