import { isDatabaseUnavailable } from '../../database/connection-error.js'
import type { ConnectionTarget } from '../../database/connection-target.js'
import { untilAvailable } from '../../database/failover/outage-wait.js'

/** Reads, from the beginning again after a lost connection where the run may wait for its database. */
export const throughOutage = <T>({ wait }: ConnectionTarget, read: () => Promise<T>): Promise<T> =>
  wait === undefined ? read() : untilAvailable(wait, isDatabaseUnavailable, read)
