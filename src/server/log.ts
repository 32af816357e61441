import { pino } from 'pino'
import * as z from 'zod/mini'
import type { ChatLog } from '../chat-log.js'
import { printable } from '../terminal/printable.js'

export interface ChatLogOptions {
  readonly level: keyof ChatLog | 'silent'
  /** One JSON object a line, or a readable line for a terminal. */
  readonly format: 'json' | 'text'
  readonly output: { write(text: string): void }
}

/** Creates a log that writes one line an event: `time` (ISO 8601), `level`, `event`, further fields, and `text` for people. */
export const createChatLog = ({ level, format, output }: ChatLogOptions): ChatLog =>
  pino(
    {
      level,
      // Neither pid nor host: the log collector adds them.
      base: null,
      messageKey: 'text',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    format === 'json' ? output : { write: (line: string) => output.write(renderLine(line)) },
  )

const lineSchema = z.looseObject({ time: z.string(), level: z.string(), event: z.string(), text: z.string() })

const renderLine = (line: string): string => {
  const { time, level, event, text, ...fields } = lineSchema.parse(JSON.parse(line))
  const pairs = Object.entries({ event, ...fields }).map(([name, value]) => `${name}=${renderValue(value)}`)
  return `${[time, level.padEnd(5), printable(text), ...pairs].join(' ')}\n`
}

// Outside text, such as an origin, can neither break the line nor send control sequences to the terminal.
const renderValue = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /^[\w.:/@+-]+$/.test(text) ? text : JSON.stringify(text).replace(/[\u007f-\u009f]/g, '?')
}
