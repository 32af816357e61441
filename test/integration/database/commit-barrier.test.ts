import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { commitBarrier } from '../../../src/database/durability/commit-barrier.js'
import { noticeCommit } from '../../../src/database/durability/commit-notice.js'
import { startReplication, type Replication } from '../../support/replication.js'
import { until } from '../../support/until.js'

let servers: Replication
beforeAll(async () => {
  servers = await startReplication()
  await servers.primary.query('CREATE TABLE "note" ("text" text PRIMARY KEY)')
  await servers.waitForStandby()
  await servers.standby.stop('fast')
})
afterAll(() => servers.stop())

const connect = async (): Promise<pg.Client> => {
  const client = new pg.Client({ connectionString: servers.primary.url() })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

const pidsThatWait = async (): Promise<readonly number[]> => {
  const rows = await servers.primary.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'`,
  )
  return rows.map(({ pid }) => pid)
}

const cancelWaiting = async (count: number): Promise<void> => {
  await until(async () => (await pidsThatWait()).length === count, { what: `${count} sessions wait for the standby` })
  await servers.primary.query(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)
}

test('a commit whose wait for a standby was cancelled is unconfirmed, and visible; a barrier waits for it', async () => {
  const [writer, reader] = [await connect(), await connect()]
  await writer.query(`SET synchronous_commit = on; SET client_min_messages = warning; SET lc_messages = 'C'`)
  const write = noticeCommit(writer, () => writer.query(`INSERT INTO "note" VALUES ('kept')`))
  await cancelWaiting(1)
  expect(await write).toMatchObject({ isUnconfirmed: true, result: { rowCount: 1 } })
  expect((await reader.query('SELECT FROM "note"')).rowCount).toBe(1)

  // Settings that would hide the notice, or not wait at all.
  await reader.query('SET synchronous_commit = off; SET client_min_messages = error')
  const cut = expect(commitBarrier(reader)).rejects.toMatchObject({ code: 'commit_unconfirmed', retryable: true })
  await cancelWaiting(1)
  await cut

  const barrier = commitBarrier(reader)
  await until(async () => (await pidsThatWait()).length === 1, { what: 'the barrier waits' })
  await servers.standby.start()
  await barrier
  await servers.primary.stop('kill')
  await servers.promote()
  expect(await servers.standby.query('SELECT "text" FROM "note"')).toEqual([{ text: 'kept' }])
})
