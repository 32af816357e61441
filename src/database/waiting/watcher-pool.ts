import type { Pool } from 'pg'
import { createPool } from '../connection.js'
import type { ConnectionTarget } from '../connection-target.js'

const QUERY_TIMEOUT_MS = 2_000

/** The second connection, which looks at who blocks the first. Opened by its first query. */
export const createWatcherPool = (target: ConnectionTarget): Pool =>
  createPool(target, {
    max: 1,
    application_name: 'chatkeep watching',
    query_timeout: QUERY_TIMEOUT_MS,
    pins: 'all',
  })
