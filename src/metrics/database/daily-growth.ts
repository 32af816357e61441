import type { Metric } from '../metric.js'
import { aggregateOf } from '../aggregate.js'
import { growth, GROWTH_MEAN, perTable } from './growth.js'

export const dailyGrowth: Metric = {
  name: 'daily_growth_bytes',
  title: 'growth per day',
  help: `Bytes by which a table and its indexes grow a day, from the ids given in ${GROWTH_MEAN} and the present size of a row. Unknown before the first ANALYZE.`,
  unit: 'bytes',
  window: 'all time',
  labels: ['table'],
  ...aggregateOf(growth, perTable('round(r."idsPerDay" * r."bytesPerRow")')),
}
