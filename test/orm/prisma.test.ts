import { on } from '../support/chat.js'
import { describe, expect, type TestDatabase } from '../support/database.js'
import { loadFixture } from '../support/fixtures.js'
import { test, type OrmFolder } from './folder.js'
import { applicationWrites, clientKey, guestWrites, ownTables } from './guests.js'
import { objects, pull, push, takeAdvice, withoutErrors } from './prisma.js'

const migrate = async (database: TestDatabase): Promise<void> => {
  expect((await on(database, 'migrate')).exitCode).toBe(0)
}

/** After the advice Prisma has nothing to do, and nothing is built again. */
const staysInSync = async (folder: OrmFolder, database: TestDatabase): Promise<void> => {
  expect(await takeAdvice(folder, database), await folder.read('schema.prisma')).toEqual([])
  const before = await objects(database)
  expect(await push(folder, database)).toContain('already in sync')
  expect(await objects(database)).toEqual(before)
}

describe('Prisma beside chatkeep', () => {
  test('is in sync after the advice of verify was taken over, and keeps the foreign key', async ({
    database,
    folder,
  }) => {
    await loadFixture(database, 'crm-before')
    const key = await clientKey(database)
    await pull(folder, database)
    await migrate(database)
    expect(await takeAdvice(folder, database)).toContain('model_index_missing')
    await staysInSync(folder, database)
    expect(await clientKey(database)).toBe(key)
    await withoutErrors(database)
    await guestWrites(database)
  })

  test('pushed with the model of before takes columns and indexes, but stops no message; migrate repairs it', async ({
    database,
    folder,
  }) => {
    await loadFixture(database, 'crm-before')
    await pull(folder, database)
    await migrate(database)
    const own = await ownTables(database)
    expect(await push(folder, database)).toContain('now in sync')
    expect(await ownTables(database)).toEqual(own)
    await applicationWrites(database)
    expect((await on(database, 'verify')).stdout).toContain('error column_missing')
    await migrate(database)
    await withoutErrors(database)
    await guestWrites(database)
  })
})
