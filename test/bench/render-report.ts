import type { Render } from '../../src/terminal/render.js'
import type { Machine } from './machine.js'
import type { Row } from './scenario.js'

interface Column {
  readonly title: string
  readonly cell: (row: Row) => string
  readonly align: 'left' | 'right'
}

const NOTHING = '–'

const number = (value: number, decimals = 0): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })

const orNothing = (value: number | null, render: (value: number) => string): string =>
  value === null ? NOTHING : render(value)

// Three digits say all that a run is good for.
const milliseconds = (ms: number): string => number(ms, ms < 10 ? 2 : ms < 100 ? 1 : 0)

const COLUMNS: readonly Column[] = [
  { title: 'scenario', cell: (row) => row.scenario, align: 'left' },
  { title: 'case', cell: (row) => row.case, align: 'left' },
  { title: 'messages', cell: (row) => orNothing(row.size ?? null, number), align: 'right' },
  { title: 'calls', cell: (row) => number(row.calls), align: 'right' },
  {
    title: 'per s',
    cell: (row) => number(row.perSecond, row.perSecond < 1 ? 3 : row.perSecond < 100 ? 1 : 0),
    align: 'right',
  },
  { title: 'spread', cell: (row) => orNothing(spreadOf(row), (spread) => `±${number(100 * spread)}%`), align: 'right' },
  { title: 'ratio', cell: (row) => orNothing(row.ratio, (ratio) => `${number(ratio, 2)}x`), align: 'right' },
  { title: 'p50 ms', cell: (row) => orNothing(row.p50Ms, milliseconds), align: 'right' },
  { title: 'p99 ms', cell: (row) => orNothing(row.p99Ms, milliseconds), align: 'right' },
  { title: 'longest ms', cell: (row) => orNothing(row.longestMs ?? null, milliseconds), align: 'right' },
  { title: '> 100 ms', cell: (row) => orNothing(row.stalls ?? null, number), align: 'right' },
  { title: 'took s', cell: (row) => orNothing(row.tookMs ?? null, (ms) => number(ms / 1_000, 1)), align: 'right' },
  { title: 'peak RSS MB', cell: (row) => orNothing(row.peakRssMb, number), align: 'right' },
  { title: 'loop p99 ms', cell: (row) => orNothing(row.loopDelayP99Ms, milliseconds), align: 'right' },
  { title: 'note', cell: (row) => row.note ?? '', align: 'left' },
]

/** Standard deviation of the rounds' rates, as a part of their mean; null where there are not two. */
const spreadOf = ({ roundsPerSecond: rates }: Row): number | null => {
  if (rates.length < 2) return null
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length
  const squares = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0)
  return Math.sqrt(squares / (rates.length - 1)) / mean
}

const LEGEND = `spread: how far the rates of the rounds lie apart (standard deviation), the noise that a ratio has to rise above.
ratio: of the rate to that of the first case beside it (more is better); in reads, of p99 to that at the
smallest size, in migrate of the longest call to that beside the plain SQL, in application of the processor time of
one writer's call to that before the update, in cli of the least time to that of bare node (less is better).
loop: how late the event loop of this process came to its timers.
note: in migrate what went on when the longest call began, and what its session waited for 50 ms later;
in cli in brackets what is above bare node.`

/** The machine, one table, and how to read it. */
export const renderReport = (machine: Machine, rows: readonly Row[], render: Render): string => {
  const columns = COLUMNS.filter(({ cell }) => rows.some((row) => cell(row) !== '' && cell(row) !== NOTHING))
  const cells = columns.map(({ title, cell, align }) => {
    const column = [title, ...rows.map(cell)]
    const width = Math.max(...column.map(({ length }) => length))
    return align === 'left' ? column : column.map((text) => text.padStart(width))
  })
  const [head = [], ...body] = Array.from({ length: rows.length + 1 }, (_, line) =>
    cells.map((column) => column[line] ?? ''),
  )
  return [renderMachine(machine), ...(rows.length === 0 ? [] : ['', render.table(head, body), '', LEGEND])].join('\n')
}

const renderMachine = (machine: Machine): string => {
  const { cores, processor, memoryGb, loadAverage, node, postgresql, settings } = machine
  const shown = Object.entries(settings).map(([name, value]) => `${name} ${value}`)
  return [
    `${cores} cores, ${processor}, ${memoryGb} GB; load average before ${number(loadAverage, 2)}`,
    `Node ${node}, PostgreSQL ${postgresql}: ${shown.join(', ')}`,
  ].join('\n')
}
