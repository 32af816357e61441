import type { Metric } from '../metric.js'
import { aggregateOf } from '../aggregate.js'
import { growth, GROWTH_MEAN } from './growth.js'

export const diskFull: Metric = {
  name: 'disk_full_seconds',
  title: 'time until the disk is full',
  help: `Time until the database alone fills the disk whose size --disk gives, at ${GROWTH_MEAN}. Unknown without --disk.`,
  unit: 'seconds',
  window: 'all time',
  ...aggregateOf(growth, (_window, { diskBytes }) => [{ labels: {}, sql: secondsUntilFull(diskBytes) }]),
}

const secondsUntilFull = (diskBytes: number | undefined): string =>
  diskBytes === undefined
    ? 'NULL::float8'
    : `round(greatest(0, ${diskBytes} - pg_database_size(current_database()))
        / nullif(sum(r."idsPerDay" * r."bytesPerRow"), 0) * 86400)`
