import { stripVTControlCharacters } from 'node:util'
import { Chalk, type ChalkInstance } from 'chalk'
import Table from 'cli-table3'
import { paintedLine } from './printable.js'
import { lengthOf, wrapText } from './wrap.js'

/** Colours and tables for the text of a command. Whether to use colour is decided once, when it is created. */
export interface Render {
  readonly paint: ChalkInstance
  /** Columns that the text has. */
  readonly width: number
  /** Whether blocks, arrows and other signs beyond ASCII may be drawn; the ellipsis and its kind need no question. */
  readonly unicode: boolean
  /** Rows that a text has which must not scroll. */
  readonly height: number
  /**
   * A table in the manner of psql: a head, a rule, rows. Each cell is one line, whatever it holds. Where the table is too
   * wide, each row becomes a record: its first cell, and below it the others with their names.
   */
  table(head: readonly string[], rows: readonly (readonly string[])[]): string
}

/**
 * @param colour the decision of `wantsColour` for the stream that the text goes to
 * @param width of that stream
 * @param unicode the decision of `hasUnicode`
 * @param height of that stream
 */
export const createRender = (
  colour: boolean,
  width = Number.POSITIVE_INFINITY,
  unicode = true,
  height = Number.POSITIVE_INFINITY,
): Render => {
  const paint = new Chalk({ level: colour ? 1 : 0 })
  return {
    paint,
    width,
    unicode,
    height,
    table: (head, rows) => {
      const cells = rows.map((row) => row.map(paintedLine))
      const lines = tableLines(
        head.map((cell) => paint.bold(cell)),
        cells,
      )
      return (
        lines.every((line) => lengthOf(line) <= width) ? lines : recordLines(head, boldFirst(cells, paint), width)
      ).join('\n')
    },
  }
}

const tableLines = (head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] => {
  const table = new Table({
    head: [...head],
    // cli-table3 would colour its head and frame even in a pipe.
    style: { head: [], border: [], 'padding-left': 1, 'padding-right': 1 },
    chars: PSQL_FRAME,
  })
  table.push(...rows.map((row) => [...row]))
  const [top = '', ...body] = table.toString().split('\n')
  const rule = stripVTControlCharacters(top).replace(/[^|]/g, '-').replaceAll('|', '+')
  return [top, rule, ...body].map((line) => line.trimEnd())
}

const boldFirst = (rows: readonly (readonly string[])[], paint: ChalkInstance): readonly (readonly string[])[] =>
  rows.map(([first = '', ...rest]) => [paint.bold(first.trim()), ...rest])

const recordLines = (
  [, ...names]: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
): readonly string[] => {
  const nameWidth = Math.max(0, ...names.map(lengthOf))
  return rows.flatMap(([first = '', ...values]) => [
    wrapText(first, width),
    ...values.flatMap((value, index) => {
      if (lengthOf(value.trim()) === 0) return []
      return [wrapText(`  ${(names[index] ?? '').trim().padEnd(nameWidth)}  ${value.trim()}`, width)]
    }),
  ])
}

const PSQL_FRAME = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  right: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  'right-mid': '',
  middle: '|',
}

interface ColourQuestion {
  readonly isTTY: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  /** False after `--no-color`. */
  readonly flag: boolean
}

/** No colour without a terminal, with `NO_COLOR`, `TERM=dumb` or `--no-color`. */
export const wantsColour = ({ isTTY, env, flag }: ColourQuestion): boolean =>
  flag && isTTY && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb'

/** `1 message`, `2 messages`, `1,000 messages`. */
export const count = (amount: number | bigint, noun: string): string =>
  `${amount.toLocaleString('en-US')} ${noun}${BigInt(amount) === 1n ? '' : 's'}`

/** `3 ms`, `4.2 s`, `2 min 5 s`, `3 h 12 min`, `5 d 7 h`, `12 years`. */
export const duration = (ms: number): string => {
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  if (seconds >= TOO_MANY_DAYS * 86_400)
    return `${Math.round(seconds / (365.25 * 86_400)).toLocaleString('en-US')} years`
  const [size, unit, partSize, partUnit] = LONG_UNITS.find(([least]) => seconds >= least) ?? LONG_UNITS[2]
  const parts = Math.floor((seconds % size) / partSize)
  return `${Math.floor(seconds / size)} ${unit}${parts === 0 ? '' : ` ${parts} ${partUnit}`}`
}

const TOO_MANY_DAYS = 1_000

const LONG_UNITS = [
  [86_400, 'd', 3_600, 'h'],
  [3_600, 'h', 60, 'min'],
  [60, 'min', 1, 's'],
] as const

/** `512 B`, `96 kB`, `1.1 GB`: decimal, as disks are sold. */
export const byteSize = (bytes: number): string => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  const amount = bytes / 1_000 ** power
  return `${amount < 10 && power > 0 ? amount.toFixed(1) : Math.round(amount)} ${units[power] ?? 'B'}`
}
