import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readMetrics } from '../../../src/metrics/read-metrics.js'
import { selectMetrics } from '../../../src/metrics/select-metrics.js'
import { parseDatabaseUrl, toConnectionTarget } from '../../../src/database/connection-target.js'
import { clientsCreated } from '../../../src/metrics/chat/clients-created.js'
import { guestMessages } from '../../../src/metrics/chat/guest-messages.js'
import type { Metric } from '../../../src/metrics/metric.js'
import { namesIn } from '../../../src/persistence/sql-names.js'
import { renderTable } from '../../../src/metrics/faces/table/render-table.js'
import { createRender } from '../../../src/terminal/render.js'
import { migrated, on } from '../../support/chat.js'
import { runChatkeep, type Run } from '../../support/chatkeep.js'
import { afterEach, describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { countTransactions } from '../../support/transaction-counter.js'
import { untilRows } from '../../support/until.js'

interface Document {
  readonly since: string
  readonly now: string
  readonly metrics: readonly {
    readonly name: string
    readonly value: number | null
    readonly windowMs: number | null
  }[]
}

const parse = ({ stdout, stderr }: Run): Document => {
  expect(stderr).toBe('')
  return JSON.parse(stdout) as Document
}

const valuesOf = ({ metrics }: Pick<Document, 'metrics'>): Readonly<Record<string, number | null>> =>
  Object.fromEntries(metrics.map(({ name, value }) => [name, value]))

/** One client and one guest message for each age, in hours; times are UTC, as applications store them. */
const insertAged = async (database: TestDatabase, hours: readonly number[]): Promise<void> => {
  await database.query(
    `INSERT INTO "Client" ("createdAt", "updatedAt", "username")
     SELECT (now() AT TIME ZONE 'UTC') - make_interval(hours => h), now(), 'client ' || h FROM unnest($1::integer[]) AS h`,
    [hours],
  )
  await database.query(
    `INSERT INTO "ChatMessage" ("createdAt", "guestUsername", "senderType", "messageType")
     SELECT (now() AT TIME ZONE 'UTC') - make_interval(hours => h), 'guest', 'CLIENT', 'TEXT' FROM unnest($1::integer[]) AS h`,
    [hours],
  )
}

const messagesByKind: Metric = {
  name: 'messages_by_kind',
  title: 'messages',
  help: 'Messages of each kind.',
  unit: 'count',
  window: 'all time',
  reads: 'pg_class',
  labels: ['sender_type', 'message_type'],
  select: ({ message }) => `
    SELECT "senderType"::text AS "sender_type", "messageType"::text AS "message_type", count(*) AS "value"
    FROM ${message} GROUP BY 1, 2 ORDER BY 1, 2`,
}

const ownZone = process.env.TZ
afterEach(() => {
  if (ownZone === undefined) delete process.env.TZ
  else process.env.TZ = ownZone
})

describe('metrics', () => {
  test('counts what came in the window, and all messages without client', async ({ database }) => {
    await migrated(database)
    await insertAged(database, [0, 1, 23, 25, 1000])
    await database.load(`
      UPDATE "ChatMessage" SET "clientId" = (SELECT min("id") FROM "Client") WHERE "id" = 1;
      INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType") SELECT min("id"), 'CLIENT', 'TEXT' FROM "Client"`)
    expect(valuesOf(parse(await on(database, 'metrics', '--json')))).toMatchObject({
      clients_created: 3,
      guest_messages: 3,
      messages_without_client: 4,
    })
    expect(valuesOf(parse(await on(database, 'metrics', '--json', '--since', '30m')))).toMatchObject({
      clients_created: 1,
      guest_messages: 1,
      messages_without_client: 4,
    })
  })

  test.for([
    { metric: guestMessages, index: 'ChatMessage_createdAt_clientId_idx', table: 'ChatMessage' },
    { metric: clientsCreated, index: 'Client_createdAt_brin', table: 'Client' },
  ])('reads what is newer than the window by an index: $index', async ({ metric, index, table }, { database }) => {
    await migrated(database)
    await database.load(`
      INSERT INTO "Client" ("createdAt", "updatedAt", "username")
      SELECT timezone('UTC', now()) - (60000 - n) * interval '10 minutes', now(), 'client ' || n FROM generate_series(1, 60000) AS n;
      INSERT INTO "ChatMessage" ("createdAt", "clientId", "guestUsername", "senderType", "messageType")
      SELECT "createdAt", "id", "username", 'CLIENT', 'TEXT' FROM "Client" ORDER BY "id";
      ANALYZE`)
    const window = { since: `(timezone('UTC', now()) - interval '1 day')`, until: `'infinity'::timestamp` }
    const rows = await database.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN ${metric.select(namesIn('public'), window, { diskBytes: undefined })}`,
    )
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).toContain(index)
    expect(plan).not.toContain(`Seq Scan on "${table}"`)
  })

  // Ages that a comparison with local time would get wrong: 3 hours one way, 9 the other.
  test.for(['UTC', 'America/Buenos_Aires', 'Asia/Tokyo'])(
    'says the same in every time zone of the database and of this machine: %s',
    async (zone, { database }) => {
      await migrated(database)
      await insertAged(database, [14, 16, 20, 22, 26, 28, 34])
      await database.load(`ALTER DATABASE ${database.name} SET timezone = '${zone}'`)
      for (const processZone of ['UTC', 'America/Buenos_Aires', 'Asia/Tokyo']) {
        process.env.TZ = processZone
        const { since, now, ...document } = parse(await on(database, 'metrics', '--json'))
        expect(valuesOf(document)).toMatchObject({ clients_created: 4, guest_messages: 4 })
        expect(Date.parse(now) - Date.parse(since)).toBe(86_400_000)
        expect(Math.abs(Date.parse(now) - Date.now())).toBeLessThan(60_000)
      }
    },
  )

  test('does not count what is exactly as old as the window is long, and counts what is a millisecond younger', async ({
    database,
  }) => {
    await migrated(database)
    const client = await database.client()
    await client.query(`SET TIME ZONE 'Asia/Tokyo'`)
    await client.query('BEGIN')
    await client.query(`
      INSERT INTO "Client" ("createdAt", "updatedAt", "username")
      SELECT date_trunc('milliseconds', now() AT TIME ZONE 'UTC') - interval '1 hour' + make_interval(secs => ms / 1000.0), now(), 'client ' || ms
      FROM generate_series(-1, 1) AS ms`)
    const report = await selectMetrics(client, 'public', { since: 3_600_000 })
    const { rows } = await client.query<{ createdAt: Date }>(
      `SELECT "createdAt" AT TIME ZONE 'UTC' AS "createdAt" FROM "Client" WHERE "username" = 'client 0'`,
    )
    expect(report.metrics.map(({ metric, samples }) => [metric.name, samples[0]?.value])).toContainEqual([
      'clients_created',
      1,
    ])
    expect(report.since).toEqual(rows[0]?.createdAt)
  })

  test('counts what a clock that runs ahead dated in the future', async ({ database }) => {
    await migrated(database)
    await insertAged(database, [-1])
    expect(valuesOf(parse(await on(database, 'metrics', '--json')))).toMatchObject({
      clients_created: 1,
      guest_messages: 1,
    })
  })

  test('prints one table', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    await database.load(
      `INSERT INTO "Client" ("updatedAt", "username") SELECT now(), 'new ' || g FROM generate_series(1, 1234) AS g`,
    )
    const { stdout, exitCode } = await on(database, 'metrics')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^metrics .*Z\nwindow   1 d: since \S+Z until now\n\n in the window +\| +value\n/)
    expect(stdout).toMatch(/\n clients created +\| +1,234\n/)
    expect(stdout).toMatch(/\nmessages without client +43\n/)
    expect(stdout).toMatch(/\nWARNING {2}2 values breach their thresholds\n$/)
  })

  test('gives programs the window and the figures', async ({ database }) => {
    await migrated(database)
    const help = expect.stringMatching(/^[A-Z].*\.$/) as string
    const windowed = { labels: {}, value: 0, unit: 'count', compared: null, series: null, windowMs: 43_200_000, help }
    const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string
    expect(parse(await on(database, 'metrics', '--json', '--since', '12h'))).toEqual({
      ok: true,
      command: 'metrics',
      target: expect.stringContaining(database.name) as string,
      standby: { isStandby: false, behindS: null, isDetached: false },
      since: instant,
      until: null,
      now: instant,
      comparedMs: null,
      bucketMs: null,
      buckets: [],
      metrics: expect.arrayContaining([
        { name: 'clients_created', ...windowed },
        { name: 'guest_messages', ...windowed },
        { name: 'messages_without_client', ...windowed, windowMs: null },
      ]) as unknown,
      verdict: { state: 'ok', breaches: [] },
      lock: null,
    })
  })

  test.for([
    ['csv', /^metric,labels,.*\nclients_created,,/],
    ['prometheus', /^# HELP (?:.*\n)+chatkeep_clients_created 0\n/],
    ['openmetrics', /^# HELP (?:.*\n)+# EOF\n$/],
  ] as const)(
    'writes %s as it is, on a terminal too, and nothing when it fails',
    async ([format, text], { database }) => {
      const argv = ['metrics', '--format', format]
      const failed = await runChatkeep(argv, { env: { DATABASE_URL: database.url }, columns: 40 })
      expect(failed).toMatchObject({ exitCode: 1, stdout: '' })
      expect(failed.stderr).toContain('error:')
      await migrated(database)
      const { stdout, stderr, exitCode } = await runChatkeep(argv, { env: { DATABASE_URL: database.url }, columns: 40 })
      expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
      expect(stdout).toMatch(text)
      const inPipe = await on(database, ...argv)
      // Times, ages and sizes go on.
      const withoutNumbers = (output: string): string => output.replaceAll(/\d[\d.e:TZ-]*/g, 'n')
      expect(withoutNumbers(stdout)).toBe(withoutNumbers(inPipe.stdout))
    },
  )

  test('writes a page beside the answer, or as the answer', async ({ database }) => {
    await migrated(database)
    const cwd = await mkdtemp(join(tmpdir(), 'chatkeep-page-'))
    const beside = await on(database, 'metrics', '--json', '--html', join(cwd, 'page.html'))
    expect(JSON.parse(beside.stdout)).toMatchObject({ ok: true })
    expect(beside.stderr).toContain('page written to')
    const page = await readFile(join(cwd, 'page.html'), 'utf8')
    expect(page).toMatch(/^<!doctype html>[^]*clients created[^]*<\/html>\n$/)
    const { stdout } = await on(database, 'metrics', '--html', '-')
    expect(stdout).toMatch(/^<!doctype html>[^]*<\/html>\n$/)
    const both = await on(database, 'metrics', '--html', '-', '--format', 'csv')
    expect(both).toMatchObject({ exitCode: 2, stdout: '' })
    await rm(cwd, { recursive: true })
  })

  test('has a value for each label of a metric', async ({ database }) => {
    await migrated(database)
    await database.load(`
      INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType")
      VALUES ('ann', 'CLIENT', 'TEXT'), ('ann', 'CLIENT', 'IMAGE'), ('ann', 'OPERATOR', 'TEXT')`)
    const report = await selectMetrics(await database.client(), 'public', {
      since: 3_600_000,
      metrics: [messagesByKind, guestMessages],
    })
    const of = (sender_type: string, message_type: string, value: number) => ({
      labels: { sender_type, message_type },
      value,
    })
    expect(report.metrics).toEqual([
      {
        metric: messagesByKind,
        samples: [of('CLIENT', 'IMAGE', 1), of('CLIENT', 'TEXT', 1), of('OPERATOR', 'TEXT', 1)],
      },
      { metric: guestMessages, samples: [{ labels: {}, value: 3 }] },
    ])
    const shown = { report, target: 'the target', naming: undefined }
    expect(renderTable(shown, createRender(false)).split('\n').slice(3)).toEqual([
      ' in the window  | value',
      '----------------+-------',
      ' guest messages |     3',
      '',
      ' now                    | value',
      '------------------------+-------',
      ' messages CLIENT IMAGE  |     1',
      ' messages CLIENT TEXT   |     1',
      ' messages OPERATOR TEXT |     1',
    ])
  })

  test('has no row for a metric that counts nothing under any label', async ({ database }) => {
    await migrated(database)
    const report = await selectMetrics(await database.client(), 'public', {
      since: 3_600_000,
      metrics: [messagesByKind],
    })
    expect(report.metrics).toEqual([{ metric: messagesByKind, samples: [] }])
  })

  test('reads the schema that was named', async ({ database }) => {
    await database.load('CREATE SCHEMA "live chat"')
    expect((await on(database, 'migrate', '--create-tables', '--schema', 'live chat')).exitCode).toBe(0)
    await database.load(`INSERT INTO "live chat"."Client" ("updatedAt", "username") VALUES (now(), 'maria')`)
    expect(valuesOf(parse(await on(database, 'metrics', '--json', '--schema', 'live chat')))).toMatchObject({
      clients_created: 1,
    })
  })

  test('does everything in one transaction, so it works through a transaction pooler', async ({ database }) => {
    await migrated(database)
    const [transactions] = await countTransactions(database.url, async (url) => {
      const { exitCode, stderr } = await runChatkeep(['metrics', '--database-url', url])
      expect(exitCode, stderr).toBe(0)
    })
    expect(transactions).toBe(1)
  })

  test.for([
    ['empty', undefined],
    ['not migrated', 'crm-before'],
  ] as const)('of a database that is %s says what to do', async ([, fixture], { database }) => {
    if (fixture !== undefined) await loadFixture(database, fixture)
    const { exitCode, stdout, stderr } = await on(database, 'metrics')
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
    expect(stderr).toMatch(
      /^error: the database is not ready for guest messages: .*\n {2}in .*\nhint: (?:check that .*\nor: )?chatkeep migrate\n$/,
    )
    expect((await on(database, 'metrics', '--schema', 'nowhere')).exitCode).toBe(2)
  })

  test('refuses a role that may not read everything', async ({ database }) => {
    await migrated(database)
    await withLimitedRole(database, async ({ name, url }) => {
      const refused = await runChatkeep(['metrics', '--database-url', url])
      expect(refused.exitCode).toBe(3)
      await database.load(/GRANT USAGE.*/.exec(refused.stderr)?.[0] ?? '')
      expect((await runChatkeep(['metrics', '--database-url', url])).exitCode).toBe(0)
      await database.load(
        `ALTER TABLE "ChatMessage" ENABLE ROW LEVEL SECURITY; CREATE POLICY nothing ON "ChatMessage" TO ${name} USING (false)`,
      )
      expect((await runChatkeep(['metrics', '--database-url', url])).exitCode).toBe(3)
    })
  })

  test('gives up on a table that stays locked, and on figures that take too long', async ({ database }) => {
    await migrated(database)
    const locker = await database.client()
    await locker.query('BEGIN; LOCK TABLE "Client" IN ACCESS EXCLUSIVE MODE')
    const { exitCode, stderr } = await on(database, 'metrics')
    expect(exitCode, stderr).toBe(4)
    const slow = await on(database, 'metrics', '--statement-timeout', '500ms')
    expect(slow.exitCode).toBe(3)
    expect(slow.stderr).toContain('error: the metrics query took longer than 0.5 s [57014]')
    expect(slow.stderr).toContain('hint: raise the limit: chatkeep metrics --statement-timeout 1m')
  })

  test('is ended by its signal in the middle of the statement', async ({ database }) => {
    await migrated(database)
    const locker = await database.client()
    await locker.query('BEGIN; LOCK TABLE "Client" IN ACCESS EXCLUSIVE MODE')
    const interruption = new AbortController()
    const target = toConnectionTarget(parseDatabaseUrl(database.url, 'the test'))
    const reading = readMetrics(target, {
      since: 1,
      statementTimeoutMs: 20_000,
      signal: interruption.signal,
      onWait: () => undefined,
    })
    const waiting = `SELECT FROM pg_stat_activity WHERE application_name = 'chatkeep metrics' AND wait_event_type = 'Lock' AND datname = current_database()`
    await untilRows(database, waiting, { what: 'metrics waits for the table' })
    interruption.abort(new Error('enough'))
    await expect(reading).rejects.toThrow('enough')
  })

  test.for([
    ['0d', 'Write a duration from 1ms to 36500d'],
    ['-1d', 'Write a duration such as'],
    ['1', 'Write a duration such as'],
    ['yesterday', 'Write a duration such as'],
    ['99999999999999999999999d', 'Write a duration from 1ms to 36500d'],
  ] as const)('is asked wrongly with --since %s', async ([since, message]) => {
    const { exitCode, stderr } = await runChatkeep([
      'metrics',
      '--since',
      since,
      '--database-url',
      'postgres://u@127.0.0.1:1/d',
    ])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(message)
  })

  test('accepts the longest window that can be written', async ({ database }) => {
    await migrated(database, 'crm-before')
    expect(valuesOf(parse(await on(database, 'metrics', '--json', '--since', '36500d')))).toMatchObject({
      clients_created: 60,
    })
  })
})
