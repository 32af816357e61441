import type { Metric } from '../metric.js'
import { aggregateOf } from '../aggregate.js'
import { growth, GROWTH_MEAN, perTable } from './growth.js'

export const idExhaustion: Metric = {
  name: 'id_exhaustion_seconds',
  title: 'time until ids end',
  help: `Time until the ids of a table reach the end of their type, at ${GROWTH_MEAN}. Unknown for bigint, and without growth.`,
  unit: 'seconds',
  window: 'all time',
  labels: ['table'],
  ...aggregateOf(growth, perTable('round((r."largestId" - r."lastId") / nullif(r."idsPerDay", 0) * 86400)')),
}
