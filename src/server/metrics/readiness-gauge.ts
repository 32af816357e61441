import type { Registry } from 'prom-client'
import { withDeadline } from '../../concurrency/with-deadline.js'
import { addGauge } from './gauge.js'

export interface Readiness {
  /** Asks the server, which asks its database. */
  refresh(): Promise<void>
}

/** Whether a message could be stored in the database now. Who does not say so within the time counts as not ready. */
export const addReadiness = (registry: Registry, ask: () => Promise<boolean>, waitMs: number): Readiness => {
  let isReady = false
  addGauge(
    registry,
    { name: 'chatkeep_server_ready', help: 'Whether a message could be stored in the database now (1) or not (0).' },
    () => Number(isReady),
  )
  return {
    refresh: async () => {
      isReady = await withDeadline(waitMs, ask).catch(() => false)
    },
  }
}
