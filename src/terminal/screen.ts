import type { OutputStream } from './output-stream.js'
import type { Render } from './render.js'

/** Shows a text on stdout that the next one replaces. */
export interface Screen {
  /** Whether a text disappears with the next one; elsewhere, all stay. */
  readonly isRedrawn: boolean
  /** Shows a text, and lays it out again when the size of the terminal changes. */
  readonly show: (text: (render: Render) => string) => void
  /** Gives the terminal back as it was. */
  readonly close: () => void
}

/** The alternate screen, as pagers use it, without a cursor: what was on the terminal comes back when it is left. */
const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const CLEAR_TO_END_OF_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'

export interface ScreenOptions {
  /** Takes the escape codes of the screen. */
  readonly terminal: OutputStream
  /** Makes a stream safe to write any text to. */
  readonly makeSafe: (stream: OutputStream) => OutputStream
  readonly redraws: boolean
  /** For the present size of the terminal. */
  readonly render: () => Render
}

export const createScreen = ({ terminal, makeSafe, redraws, render }: ScreenOptions): Screen =>
  redraws ? redrawnScreen(terminal, makeSafe, render) : endlessScreen(makeSafe(terminal), render)

const redrawnScreen = (terminal: OutputStream, makeSafe: ScreenOptions['makeSafe'], render: () => Render): Screen => {
  let shown: ((render: Render) => string) | undefined
  let stopListening: (() => void) | undefined
  let frame = ''
  const safe = makeSafe({
    write: (text) => (frame += text),
    isTTY: true,
    get columns() {
      return terminal.columns
    },
  })
  // In one write, and each line over the old one, so that nothing flickers.
  const draw = (): void => {
    if (shown === undefined) return
    frame = ''
    safe.write(shown(render()))
    const lines = frame.split('\n').map((line) => `${line}${CLEAR_TO_END_OF_LINE}`)
    terminal.write(`${HOME}${lines.join('\r\n')}${CLEAR_BELOW}`)
  }
  return {
    isRedrawn: true,
    show: (text) => {
      if (shown === undefined) {
        terminal.write(ENTER)
        stopListening = terminal.onResize?.(draw)
      }
      shown = text
      draw()
    },
    close: () => {
      if (shown !== undefined) terminal.write(LEAVE)
      stopListening?.()
      shown = undefined
    },
  }
}

const endlessScreen = (output: OutputStream, render: () => Render): Screen => {
  let isFirst = true
  return {
    isRedrawn: false,
    show: (text) => {
      const block = text(render())
      // One line a look is for grep; blocks are told apart by a blank line.
      if (!isFirst && block.includes('\n')) output.write('\n')
      isFirst = false
      output.write(`${block}\n`)
    },
    close: () => undefined,
  }
}
