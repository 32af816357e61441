import { seen, type Fault } from '../fault.js'
import type { Stage } from '../stage.js'

/** For as long as the database answers everything with an error because of a setting. */
const withSetting = async (
  { database }: Stage,
  name: string,
  value: string,
  work: () => Promise<void>,
): Promise<void> => {
  await database.administer(`ALTER SYSTEM SET ${name} = ${value}`, 'SELECT pg_reload_conf()')
  try {
    await work()
  } finally {
    await database.administer(`ALTER SYSTEM RESET ${name}`, 'SELECT pg_reload_conf()')
  }
}

const settingFault = (name: string, summary: string, setting: readonly [string, string], state: string): Fault => ({
  name,
  summary,
  strike: async (stage) => {
    const before = await stage.database.countErrors(state)
    await withSetting(stage, ...setting, () => stage.hold(1_500, 4_000))
    return seen([(await stage.database.countErrors(state)) - before, `errors ${state}`])
  },
})

export const readOnlyDatabase = settingFault(
  'read-only-database',
  'every transaction is read-only, as on a server that has become a standby',
  ['default_transaction_read_only', 'on'],
  '25006',
)

export const statementTimeout = settingFault(
  'statement-timeout',
  'statement_timeout so short that hardly a write gets through',
  ['statement_timeout', "'2ms'"],
  '57014',
)

/** What two transactions did to each other; a client's phone is under a unique index, so to change it changes the key. */
const TOUCH = `
  UPDATE "Client" SET "phone" = 'touched ' || "id"
  WHERE "id" IN (SELECT "clientId" FROM "ChatMessage" WHERE "clientId" IS NOT NULL ORDER BY "id" DESC LIMIT 5)
    AND ("phone" IS NULL OR "phone" LIKE 'touched %')`
const UNTOUCH = `UPDATE "Client" SET "phone" = NULL WHERE "phone" LIKE 'touched %'`

export const serializationFailure: Fault = {
  name: 'serialization-failure',
  summary: 'every transaction is SERIALIZABLE, and another session changes the clients that are written for',
  strike: async (stage) => {
    const { database, hold } = stage
    const before = await database.countErrors('40001')
    const session = await database.connect()
    try {
      await withSetting(stage, 'default_transaction_isolation', 'serializable', async () => {
        for (let round = 0; round < 15; round += 1) {
          await session.query('BEGIN')
          await session.query(round % 2 === 0 ? TOUCH : UNTOUCH)
          await hold(50, 200)
          await session.query('COMMIT')
        }
      })
      await session.query(UNTOUCH)
    } finally {
      await session.end()
    }
    return seen([(await database.countErrors('40001')) - before, 'errors 40001'])
  },
}
