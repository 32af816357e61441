import { migrated, on } from '../../support/chat.js'
import { expect, test, type TestDatabase } from '../../support/database.js'

const setZone = (database: TestDatabase, zone: string): Promise<unknown> =>
  database.query(`ALTER DATABASE "${database.name}" SET timezone = '${zone}'`)

const findingsOf = async (database: TestDatabase): Promise<readonly Record<string, unknown>[]> => {
  const { stdout, exitCode } = await on(database, 'verify', '--json')
  expect(exitCode).toBe(0)
  const { findings } = JSON.parse(stdout) as { findings: Record<string, unknown>[] }
  return findings.filter(({ code }) => code === 'local_time_default')
}

test('verify names a default that gives local time where UTC is stored, and the statement that ends it', async ({
  database,
}) => {
  await migrated(database)
  await setZone(database, 'America/New_York')
  const found = await findingsOf(database)
  expect(found).toMatchObject(
    ['ChatMessage', 'Client'].map((table) => ({
      severity: 'note',
      object: `"${table}"."createdAt"`,
      actual: "the session's local time, America/New_York for new sessions",
    })),
  )
  for (const { help } of found) await database.load(String(help).replace('in psql: ', ''))
  expect(await findingsOf(database)).toEqual([])
  await database.load(`SET timezone = 'America/New_York';
    INSERT INTO "Client" ("username", "updatedAt") VALUES ('new', now())`)
  expect(
    await database.query(
      `SELECT "createdAt" > (now() AT TIME ZONE 'UTC') - interval '1 hour' AS "isUtc" FROM "Client" WHERE "username" = 'new'`,
    ),
  ).toEqual([{ isUtc: true }])
})

test.for(['UTC', 'Etc/GMT', 'Africa/Abidjan'])(
  'verify accepts a zone whose time is UTC: %s',
  async (zone, { database }) => {
    await migrated(database)
    await setZone(database, zone)
    expect(await findingsOf(database)).toEqual([])
  },
)

test('verify does not take a zone for UTC that is so in winter only', async ({ database }) => {
  await migrated(database)
  await setZone(database, 'Europe/London')
  expect(await findingsOf(database)).toHaveLength(2)
})
