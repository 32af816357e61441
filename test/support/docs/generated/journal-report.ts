import { renderJournalReport } from '../../../../src/replay/journal/report.js'
import { createRender } from '../../../../src/terminal/render.js'
import type { Generated } from './index.js'

const none = { count: 0, first: [] }

/** The report of a journal's replay: the page has no chat server whose journal could be replayed, so the report is fixed. */
export const journalReport: Generated = {
  path: 'docs/replay.md',
  section: 'journal-report',
  render: () => {
    const lines = renderJournalReport(
      {
        ...{ attempted: 1_204, saved: 1_180, duplicates: 24 },
        ...{ rejected: none, lost: none, doubled: none, altered: none, edited: 0, deleted: 0 },
        ...{
          tornLine: undefined,
          mayBeAnswered: false,
          source: 'journal',
          checkOnly: false,
          standby: undefined,
          sendMs: 412,
          readBackMs: 35,
        },
      },
      createRender(false),
    )
    return `\`\`\`text\n${lines.join('\n')}\n\`\`\``
  },
}
