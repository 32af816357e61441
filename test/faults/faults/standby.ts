import { rm } from 'node:fs/promises'
import type { ReplicaNode } from '../../support/replication.js'
import { STANDBY } from '../copy-database.js'
import { DATABASE, type DatabaseServer } from '../database-server.js'
import { seen, type Fault } from '../fault.js'
import type { Stage } from '../stage.js'
import { waitFor } from '../wait-for.js'

const RELOAD = 'SELECT pg_reload_conf()'
const NAME_STANDBY = `ALTER SYSTEM SET synchronous_standby_names = '${STANDBY}'`
const NAME_NONE = 'ALTER SYSTEM RESET synchronous_standby_names'
const ATTACHED = `SELECT count(*)::integer AS "count" FROM pg_stat_replication WHERE sync_state = 'sync'`
const WAITING = `SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'`
const COUNT_WAITING = `SELECT count(*)::integer AS "count" FROM (${WAITING}) AS w`
const OURS = `SELECT count(*)::integer AS "count" FROM pg_stat_activity WHERE application_name LIKE 'chatkeep serve%'`

const count = async (database: DatabaseServer, sql: string): Promise<number> =>
  Number((await database.administer(sql))[0]?.count)

/** Every commit waits for it. */
const createSynchronousStandby = async ({ database, signal }: Stage): Promise<ReplicaNode> => {
  const standby = await database.createStandby()
  await database.administer(NAME_STANDBY, RELOAD)
  if (!(await waitFor(async () => (await count(database, ATTACHED)) === 1, signal))) {
    throw new Error('the standby did not attach')
  }
  return standby
}

/** Back to a server without standby. */
const dismiss = async ({ database }: Stage, standby: ReplicaNode): Promise<void> => {
  await database.administer(NAME_NONE, RELOAD)
  await standby.stop('fast')
  await rm(standby.dataDirectory, { recursive: true, maxRetries: 20, retryDelay: 100 })
  await database.administer(`SELECT pg_drop_replication_slot('${STANDBY}')`)
}

export const stopStandby: Fault = {
  name: 'stop-standby',
  summary: 'the synchronous standby is stopped and comes back: until then every commit waits',
  strike: async (stage) => {
    const { database, hold, signal } = stage
    const standby = await createSynchronousStandby(stage)
    await hold(500, 1_500)
    await standby.stop('fast')
    await hold(2_000, 5_000)
    const waited = await count(database, COUNT_WAITING)
    await standby.start()
    await waitFor(async () => (await count(database, ATTACHED)) === 1, signal)
    await hold(500, 1_500)
    await dismiss(stage, standby)
    return seen([waited, 'commits waited'])
  },
}

const endWaits = (how: 'cancel' | 'terminate'): string =>
  `SELECT count(*) FILTER (WHERE pg_${how}_backend(pid))::integer AS "count" FROM (${WAITING}) AS w`

const promoteAfter = (how: 'cancel' | 'terminate'): Fault => ({
  name: `${how}-waits-promote`,
  summary: `the synchronous standby is stopped, what waits for it ended by pg_${how}_backend, the primary killed, the standby promoted`,
  strike: async (stage) => {
    const { database, hold } = stage
    const standby = await createSynchronousStandby(stage)
    await hold(500, 1_500)
    await standby.stop('fast')
    let ended = 0
    for (let round = 0; round < 8; round += 1) {
      await hold(200, 600)
      ended += await count(database, endWaits(how))
    }
    const killed = await database.kill()
    await standby.start()
    await standby.query('SELECT pg_promote()')
    await database.replaceBy(standby)
    return seen([ended, 'waits ended'], [killed, 'processes killed'])
  },
})

export const cancelWaitsPromote = promoteAfter('cancel')
export const terminateWaitsPromote = promoteAfter('terminate')

export const unfencedPrimary: Fault = {
  name: 'unfenced-primary',
  summary: 'the synchronous standby is promoted while the primary runs on, with the connections that it has',
  strike: async (stage) => {
    const { database, servers, hold } = stage
    const standby = await createSynchronousStandby(stage)
    await hold(500, 1_500)
    const left = await count(database, OURS)
    await standby.query('SELECT pg_promote()')
    for (const { back } of servers) back.pointAt(standby.url(DATABASE))
    await hold(3_000, 6_000)
    await database.kill()
    await database.replaceBy(standby)
    return seen([left, 'connections to the former primary'])
  },
}

const SLOT_STATUS = `
  SELECT count(*)::integer AS "count" FROM pg_replication_slots WHERE slot_name = '${STANDBY}' AND wal_status = 'lost'`

export const loseSlot: Fault = {
  name: 'lose-slot',
  summary: 'a synchronous standby is away until its slot is lost, so it cannot come back and is given up',
  strike: async (stage) => {
    const { database, hold, signal } = stage
    const standby = await createSynchronousStandby(stage)
    await database.administer(`ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'`, RELOAD)
    await standby.stop('fast')
    await hold(500, 1_500)
    const isLost = async (): Promise<boolean> => {
      await database.administer('SELECT pg_switch_wal()', 'CHECKPOINT')
      return (await count(database, SLOT_STATUS)) === 1
    }
    await waitFor(isLost, signal)
    const lost = await count(database, SLOT_STATUS)
    await database.administer('ALTER SYSTEM RESET max_slot_wal_keep_size')
    await dismiss(stage, standby)
    return seen([lost, 'slots lost'])
  },
}
