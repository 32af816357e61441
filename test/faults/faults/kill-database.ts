import { seen, type Fault } from '../fault.js'
import { signalIfThere } from '../../support/process-tree.js'

/** Long enough that the servers give up on it, not so long that nobody would wait. */
const AWAY_MS = [500, 4_000] as const

export const killDatabase: Fault = {
  name: 'kill-database',
  summary: 'kill -9 of every process of the database server',
  strike: async ({ database, hold }) => {
    const killed = await database.kill()
    await hold(...AWAY_MS)
    await database.restart()
    return seen([killed, 'processes killed'])
  },
}

const BACKENDS = `
  SELECT pid FROM pg_stat_activity
  WHERE application_name = 'chatkeep serve' AND backend_type = 'client backend'
  ORDER BY state = 'active' DESC, pid`

export const killBackend: Fault = {
  name: 'kill-backend',
  summary: 'kill -9 of one backend, whereupon the database ends all and recovers',
  strike: async ({ database, hold }) => {
    const [row] = await database.administer(BACKENDS)
    const killed = row !== undefined && signalIfThere(Number(row.pid), 'SIGKILL')
    await hold(500, 1_500)
    return seen([Number(killed), 'backends killed'])
  },
}

const TERMINATE = `
  SELECT count(*) FILTER (WHERE pg_terminate_backend(pid))::integer AS "count" FROM pg_stat_activity
  WHERE application_name LIKE 'chatkeep serve%'`

export const endSessions: Fault = {
  name: 'end-sessions',
  summary: 'pg_terminate_backend of every session of the servers, three times',
  strike: async ({ database, hold }) => {
    let ended = 0
    for (let round = 0; round < 3; round += 1) {
      const [row] = await database.administer(TERMINATE)
      ended += Number(row?.count)
      await hold(200, 500)
    }
    return seen([ended, 'sessions ended'])
  },
}
