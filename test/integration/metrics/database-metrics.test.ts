import { metrics } from '../../../src/metrics/index.js'
import { selectMetrics } from '../../../src/metrics/select-metrics.js'
import type { Metric } from '../../../src/metrics/metric.js'
import { namesIn } from '../../../src/persistence/sql-names.js'
import { migrated, on } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test } from '../../support/database.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { untilRows } from '../../support/until.js'

const DISK_BYTES = 500_000_000_000
type Values = Readonly<Record<string, number | null>>

const valuesOf = async (client: Parameters<typeof selectMetrics>[0]): Promise<Values> => {
  const { metrics: readings } = await selectMetrics(client, 'public', { since: 86_400_000, diskBytes: DISK_BYTES })
  return Object.fromEntries(
    readings.flatMap(({ metric, samples }) =>
      samples.map(({ labels, value }) => [[metric.name, ...Object.values(labels)].join(' '), value] as const),
    ),
  )
}

/** 70,000 ids of messages in 10 days, and 7,000 clients, of which 700 came in the last week. */
const GROWING = `
  INSERT INTO "Client" ("createdAt", "updatedAt", "username")
  SELECT timezone('UTC', now()) - interval '70 days' + n * interval '14.4 minutes', now(), 'client ' || n FROM generate_series(1, 7000) AS n;
  INSERT INTO chatkeep.guest_clients ("clientId") SELECT "id" FROM "Client";
  INSERT INTO "ChatMessage" ("createdAt", "clientId", "senderType", "messageType", "isRead", "guestUsername")
  SELECT timezone('UTC', now()) - interval '10 days' + n * interval '12.342857 seconds', CASE WHEN n % 30 > 0 THEN 1 + n % 7000 END, 'CLIENT', 'TEXT', n % 5 > 0,
    CASE WHEN n % 30 = 0 THEN 'guest ' || n % 900 END
  FROM generate_series(1, 70000) AS n;
  ANALYZE`

describe('the metrics of the database', () => {
  test('are what the catalogs and the sessions come to', async ({ database }) => {
    await migrated(database)
    await database.load(GROWING)
    const other = await database.client()
    await other.query(`BEGIN; SELECT pg_advisory_xact_lock(16)`)
    const waiting = (await database.client()).query('SELECT pg_advisory_xact_lock(16)')
    await untilRows(database, 'SELECT FROM pg_locks WHERE NOT granted', { what: 'a session waits' })

    const client = await database.client()
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
    const values = await valuesOf(client)
    const { rows } = await client.query<{ expected: Values }>(EXPECTED)
    const { expected } = rows[0] ?? {}
    expect(values).toMatchObject(expected ?? {})
    expect(values.waiting_sessions).toBe(1)
    // 14,000, as ANALYZE estimates it.
    expect(values.unread_messages).toBeGreaterThan(12_000)
    expect(values.unread_messages).toBeLessThan(16_000)
    // 7,000 ids a day.
    const left = 2_147_483_647 - 70_000
    expect((values['id_exhaustion_seconds ChatMessage'] ?? 0) / ((left / 7_000) * 86_400)).toBeCloseTo(1, 2)
    expect((values['id_exhaustion_seconds Client'] ?? 0) / (((2_147_483_647 - 7_000) / 100) * 86_400)).toBeCloseTo(1, 2)
    const growth = (values['daily_growth_bytes ChatMessage'] ?? 0) + (values['daily_growth_bytes Client'] ?? 0)
    expect((values.disk_full_seconds ?? 0) / ((DISK_BYTES - (values.database_bytes ?? 0)) / growth)).toBeCloseTo(
      86_400,
      -2,
    )
    expect((values['daily_growth_bytes ChatMessage'] ?? 0) / (values['table_bytes ChatMessage'] ?? 0)).toBeGreaterThan(
      0.1,
    )
    await other.query('COMMIT')
    await waiting
  })

  test('know no end where ids are bigint, no growth and no disk', async ({ database }) => {
    await migrated(database)
    await database.load('ALTER TABLE "ChatMessage" ALTER COLUMN "id" TYPE bigint')
    await database.load(GROWING)
    const { metrics: readings } = await selectMetrics(await database.client(), 'public', { since: 1 })
    const of = (name: string) => readings.find(({ metric }) => metric.name === name)?.samples.map(({ value }) => value)
    expect(of('id_exhaustion_seconds')).toEqual([null, expect.any(Number)])
    expect(of('disk_full_seconds')).toEqual([null])
  })

  test('are unknown to a role that may not see them, and the rest is there', async ({ database }) => {
    await migrated(database)
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(`GRANT SELECT ON "ChatMessage", "Client" TO ${name}`)
      const other = await database.client()
      await other.query('BEGIN; SELECT pg_advisory_xact_lock(17)')
      const { stdout, exitCode } = await runChatkeep(['metrics', '--json', '--database-url', url])
      expect(exitCode).toBe(0)
      const { metrics: values } = JSON.parse(stdout) as {
        readonly metrics: readonly { readonly name: string; readonly value: number | null }[]
      }
      const unknown = values.filter(({ value }) => value === null).map(({ name }) => name)
      expect(new Set(unknown)).toEqual(
        new Set([
          ...['guest_clients_created', 'guest_clients_daily_mean', 'first_answer_seconds', 'oldest_unread_seconds'],
          ...['newest_message_seconds', 'sequence_used_ratio', 'id_exhaustion_seconds', 'daily_growth_bytes'],
          ...['disk_full_seconds', 'oldest_transaction_seconds', 'vacuum_age_seconds'],
        ]),
      )
    })
  })

  test('need no column and no table of chatkeep, where the update was made by hand', async ({ database }) => {
    await migrated(database)
    await database.load(`ALTER TABLE "ChatMessage" DROP COLUMN "guestUnverified"; DROP SCHEMA chatkeep CASCADE`)
    await database.load(
      `INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType") VALUES ('ann', 'CLIENT', 'TEXT')`,
    )
    expect(await valuesOf(await database.client())).toMatchObject({
      guest_messages: 1,
      messages_without_client: 1,
      unverified_messages: null,
      guest_clients_created: null,
    })
  })
})

test('each metric that reads an index uses it, where the table is large enough', async ({ database }) => {
  await migrated(database)
  await database.load(GROWING)
  const client = await database.client()
  await client.query(`SET search_path = ''; SET jit = off; SET work_mem = '32MB'`)
  const window = { since: `(timezone('UTC', now()) - interval '3 hours')`, until: `'infinity'::timestamp` }
  const byIndex = metrics.filter(({ reads }) => reads.startsWith('"'))
  expect(byIndex.length).toBeGreaterThan(15)
  const scans: Record<string, unknown> = {}
  for (const { name, reads, select } of byIndex) {
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN ${select(namesIn('public'), window, { diskBytes: DISK_BYTES })}`,
    )
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    const missing = reads.split(', ').filter((index) => !plan.includes(index))
    scans[name] = [...missing, ...(plan.match(/Seq Scan on "\w+"/g) ?? [])]
  }
  expect(scans).toEqual(Object.fromEntries(byIndex.map(({ name }: Metric) => [name, []])))
})

test('metrics names what it may be asked for, and asks only for that', async ({ database }) => {
  const misspelt = await on(database, 'metrics', 'guest_mesages')
  expect(misspelt).toMatchObject({ exitCode: 2, stdout: '' })
  expect(misspelt.stderr).toBe('error: there is no metric "guest_mesages"\nhint: did you mean guest_messages?\n')
  await migrated(database)
  const { stdout } = await on(
    database,
    'metrics',
    'waiting_sessions',
    'messages',
    'messages',
    '--json',
    '--bucket',
    '12h',
  )
  expect(JSON.parse(stdout)).toMatchObject({
    bucketMs: 43_200_000,
    buckets: [expect.any(String), expect.any(String)] as unknown,
    metrics: [
      { name: 'waiting_sessions', value: 0, series: null },
      { name: 'messages', labels: { sender_type: 'CLIENT' }, value: 0, series: [0, 0] },
      { name: 'messages', labels: { sender_type: 'OPERATOR' }, value: 0, series: [0, 0] },
    ],
  })
})

/** The plain way, with other functions where there are some. */
const EXPECTED = `
  SELECT json_object_agg(name, value) AS "expected" FROM (
    SELECT 'invalid_indexes' AS name, 0::float8 AS value
    UNION ALL
    SELECT 'sequence_used_ratio ' || t || ' id', (SELECT last_value FROM "ChatMessage_id_seq") / 2147483647.0 FROM (VALUES ('ChatMessage')) AS v (t)
    UNION ALL
    SELECT 'sequence_used_ratio Client id', (SELECT last_value FROM "Client_id_seq") / 2147483647.0
    UNION ALL
    SELECT 'table_bytes ' || t, pg_total_relation_size(quote_ident(t)) - pg_indexes_size(quote_ident(t)) FROM unnest(ARRAY['ChatMessage', 'Client', 'User']) AS t
    UNION ALL
    SELECT 'index_bytes ' || tablename || ' ' || indexname, pg_relation_size(quote_ident(indexname)) FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT 'database_bytes', pg_database_size(oid) FROM pg_database WHERE datname = current_database()
    UNION ALL
    SELECT 'oldest_transaction_seconds', extract(epoch FROM now() - min(xact_start)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND backend_type = 'client backend'
    UNION ALL
    SELECT 'dead_rows ' || relname, n_dead_tup FROM pg_stat_user_tables WHERE schemaname = 'public'
    UNION ALL
    SELECT 'vacuum_age_seconds ' || relname, extract(epoch FROM now() - greatest(last_vacuum, last_autovacuum)) FROM pg_stat_user_tables WHERE schemaname = 'public'
  ) AS e`
