import { readFile } from 'node:fs/promises'
import { runChatkeep } from '../../support/chatkeep.js'
import { expect } from '../../support/database.js'
import { query, test, type EmbeddedServers } from '../../support/embedded-servers.js'
import { until } from '../../support/until.js'

/** Two databases with the same rows, the second subscribed to the first. */
interface Pair {
  readonly publisher: string
  readonly subscriber: string
  /** Writes to the publisher, and waits until the subscriber has caught up. */
  readonly write: (sql: string) => Promise<void>
  readonly messages: (url: string) => Promise<readonly Record<string, unknown>[]>
}

// The subscription is of the same server, which cannot make its slot while it waits for itself.
const replicate = async (embedded: EmbeddedServers): Promise<Pair> => {
  const server = await embedded.start({
    settings: { fsync: 'off', wal_level: 'logical', wal_retrieve_retry_interval: '100ms' },
  })
  const fixture = await readFile(new URL('../../support/fixtures/crm-before.sql', import.meta.url), 'utf8')
  const [publisher, subscriber] = [server.url('publisher'), server.url('subscriber')]
  await query(server.url('postgres'), 'CREATE DATABASE publisher')
  await query(publisher, fixture)
  await query(server.url('postgres'), 'CREATE DATABASE subscriber TEMPLATE publisher')
  await query(publisher, 'CREATE PUBLICATION feed FOR TABLE "User", "Client", "ChatMessage"')
  await query(publisher, `SELECT pg_create_logical_replication_slot('feed', 'pgoutput')`)
  await query(
    subscriber,
    `CREATE SUBSCRIPTION feed CONNECTION '${publisher}' PUBLICATION feed WITH (create_slot = false, copy_data = false)`,
  )
  await until(async () => (await query(publisher, 'SELECT active FROM pg_replication_slots'))[0]?.active === true, {
    what: 'the subscriber is connected',
  })
  const messages = (url: string) =>
    query(url, `SELECT md5(string_agg(to_jsonb(m)::text, ',' ORDER BY "id")) AS md5 FROM public."ChatMessage" AS m`)
  return {
    publisher,
    subscriber,
    messages,
    write: async (sql) => {
      await query(publisher, sql)
      const [now] = await query(publisher, 'SELECT pg_current_wal_insert_lsn() AS lsn')
      await until(
        async () => {
          const [slot] = await query(
            publisher,
            `SELECT coalesce(max(confirmed_flush_lsn) >= '${String(now?.lsn)}', false) AS caught_up FROM pg_replication_slots`,
          )
          return slot?.caught_up === true
        },
        { what: 'the subscriber has caught up' },
      )
    },
  }
}

const run = async (url: string, ...argv: readonly string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await runChatkeep([...argv, '--database-url', url])
  expect(exitCode, stderr).toBe(0)
  return stdout
}

const stops = (subscriber: string): Promise<unknown> =>
  until(
    async () => {
      const [stats] = await query(subscriber, 'SELECT apply_error_count > 1 AS stopped FROM pg_stat_subscription_stats')
      expect(stats?.stopped).toBe(true)
    },
    { what: 'the subscriber stops' },
  )

const GUEST = `INSERT INTO public."ChatMessage" ("guestUsername", "idempotencyKey", "senderType", "messageType")
  VALUES ('zoe', 'key1', 'CLIENT', 'TEXT'), (NULL, 'key2', 'CLIENT', 'TEXT')`

const CLIENT = `INSERT INTO public."ChatMessage" ("clientId", "senderType", "messageType")
  SELECT max("id"), 'CLIENT', 'TEXT' FROM public."Client"`

test('publisher and subscriber change in the order of the plan, there and back, and no message is missing', async ({
  embedded,
}) => {
  const { publisher, subscriber, write, messages } = await replicate(embedded)
  expect(await run(publisher, 'migrate', '--dry-run')).toMatch(
    /published by "feed" \(logical slots: feed\): .* First run chatkeep migrate on each subscriber, then here/,
  )
  await run(subscriber, 'migrate')
  await write(CLIENT)
  await run(publisher, 'migrate')
  await write(GUEST)
  expect(await messages(subscriber)).toEqual(await messages(publisher))
  expect(await run(publisher, 'rollback', '--dry-run')).toContain('first run chatkeep rollback here, then on each')
  await run(publisher, 'rollback', '--confirm', 'publisher')
  await write(CLIENT)
  await run(subscriber, 'rollback', '--confirm', 'subscriber')
  await write(CLIENT)
  expect(await messages(subscriber)).toEqual(await messages(publisher))
  await run(subscriber, 'migrate')
  await run(publisher, 'migrate')
  await write(CLIENT)
  expect(await messages(subscriber)).toEqual(await messages(publisher))
})

test('a publisher that migrates first stops the subscriber at the first guest, until that migrates as well', async ({
  embedded,
}) => {
  const { publisher, subscriber, write, messages } = await replicate(embedded)
  await run(publisher, 'migrate')
  await query(publisher, GUEST)
  const stopped = write(CLIENT)
  await stops(subscriber)
  expect(await messages(subscriber)).not.toEqual(await messages(publisher))
  await run(subscriber, 'migrate')
  await stopped
  expect(await messages(subscriber)).toEqual(await messages(publisher))
})

test('a subscriber that rolls back first stops, until it migrates again', async ({ embedded }) => {
  const { publisher, subscriber, write, messages } = await replicate(embedded)
  await run(subscriber, 'migrate')
  await run(publisher, 'migrate')
  await write(CLIENT)
  expect(await run(subscriber, 'rollback', '--dry-run')).toContain(
    'receives rows through the subscription "feed": first run chatkeep rollback on the publisher',
  )
  await run(subscriber, 'rollback', '--confirm', 'subscriber')
  const stopped = write(CLIENT)
  await stops(subscriber)
  expect(await messages(subscriber)).not.toEqual(await messages(publisher))
  await run(subscriber, 'migrate')
  await stopped
  expect(await messages(subscriber)).toEqual(await messages(publisher))
})
