import type { Answer } from '../../terminal/answer.js'
import type { ShownReport } from '../shown-report.js'

/** A way to show a report. It loads what it needs when it is shown, so that the help can list all faces at no cost. */
export interface Face {
  /** As `--format` takes it. */
  readonly name: string
  /** What it is, for the help. */
  readonly summary: string
  readonly show: (shown: ShownReport) => Promise<FaceAnswer>
}

export type FaceAnswer = Partial<Pick<Answer, 'data' | 'text' | 'verdict' | 'isScript'>>

/** A face for programs: reaches stdout as it is. @param text may end with a line feed */
export const scriptFace = (name: string, summary: string, write: (shown: ShownReport) => Promise<string>): Face => ({
  name,
  summary,
  show: async (shown) => {
    const text = (await write(shown)).replace(/\n$/, '')
    return { isScript: true, text: () => text }
  },
})
