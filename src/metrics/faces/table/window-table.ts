import { duration, type Render } from '../../../terminal/render.js'
import { lengthOf } from '../../../terminal/wrap.js'
import type { MetricsReport } from '../../report.js'
import { change, quantityOrDash } from '../../quantity.js'
import { bucketLength } from '../../buckets.js'
import type { Row } from './row.js'
import { sparkline } from '../../sparkline.js'

/** Columns of a sparkline: fewer hardly show a course. */
const NARROWEST = 10
const WIDEST = 30

/** What is beside a sparkline where the table is too wide, and its rows become records. */
const RECORD_NAME = 16

type Column = readonly string[]

/** What was counted in the window: value, comparison, and the course as a sparkline where there are buckets. */
export const windowTable = (rows: readonly Row[], report: MetricsReport, render: Render): string => {
  const full = [names(rows), values(rows), ...comparison(rows, report.comparedMs)]
  const columns = roomBeside(full, render.width) >= NARROWEST ? full : full.filter((_, index) => index !== EARLIER)
  const room = roomBeside(columns, render.width)
  const hasRoom = room >= NARROWEST
  const course = (width: number): Column => courses(rows, report, Math.min(WIDEST, width), render.unicode)
  const [head = [], ...body] = rowsOf([
    ...(hasRoom ? columns : full),
    ...(report.buckets.length < 2 ? [] : [course(hasRoom ? room : render.width - RECORD_NAME)]),
  ])
  return render.table(head, body)
}

const names = (rows: readonly Row[]): Column => ['in the window', ...rows.map(({ name }) => name)]

const values = (rows: readonly Row[]): Column => right(['value', ...rows.map(({ value }) => value)])

/** The place of the earlier value, which goes first where there is no room: the change says more. */
const EARLIER = 2

const comparison = (rows: readonly Row[], comparedMs: number | undefined): readonly Column[] =>
  comparedMs === undefined
    ? []
    : [
        right([
          `${duration(comparedMs)} before`,
          ...rows.map(({ metric, sample }) => quantityOrDash(sample.compared ?? null, metric.unit)),
        ]),
        right([
          'change',
          ...rows.map(({ metric, sample }) => change(sample.value, sample.compared ?? null, metric.unit) ?? ''),
        ]),
      ]

const courses = (
  rows: readonly Row[],
  { buckets, windowMs }: MetricsReport,
  width: number,
  unicode: boolean,
): Column => [
  `by ${duration(bucketLength(buckets, windowMs))}`,
  ...rows.map(({ sample: { series = [] } }) => sparkline(series, width, unicode)),
]

/** Columns that are left for one more: each has a space on both sides, and a frame between it and the next. */
const roomBeside = (columns: readonly Column[], width: number): number =>
  width - 2 - columns.reduce((sum, cells) => sum + widest(cells) + 3, 0)

const widest = (cells: Column): number => Math.max(...cells.map(lengthOf))

const right = (cells: Column): Column => cells.map((cell) => ' '.repeat(widest(cells) - lengthOf(cell)) + cell)

const rowsOf = (columns: readonly Column[]): readonly Column[] =>
  (columns[0] ?? []).map((_, row) => columns.map((cells) => cells[row] ?? ''))
