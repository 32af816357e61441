import type { Render } from '../../terminal/render.js'
import type { Face } from './face.js'

export const tableFace: Face = {
  name: 'table',
  summary: 'for people',
  show: async (shown) => {
    const { renderTable } = await import('./table/render-table.js')
    const { renderVerdict } = await import('../thresholds/render-verdict.js')
    const verdict = (render: Render): string => renderVerdict(shown.verdict, render)
    return { text: (render) => `${renderTable(shown, render)}\n\n${verdict(render)}`, verdict }
  },
}
