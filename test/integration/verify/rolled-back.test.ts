import { migrated } from '../../support/chat.js'
import { describe, expect, test } from '../../support/database.js'
import { findingsOf, parseReport as parse, verify, type FoundFinding } from '../../support/findings.js'
import { loadFixture } from '../../support/fixtures.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { rolledBack } from '../../support/rolled-back.js'
import { typeSteps } from '../../support/next-steps.js'

const GUEST_INDEX = '"ChatMessage_guestUsername_createdAt_idx"'
const GUARD = `ALTER TABLE "ChatMessage" ADD CONSTRAINT "chatkeep_clientId_not_null" CHECK ("clientId" IS NOT NULL) NOT VALID`

describe('verify --expect rolled-back finds', () => {
  test('a role that may read the archive, with the statement that ends it', async ({ database }) => {
    await rolledBack(database)
    await withLimitedRole(database, async ({ name }) => {
      await database.load(
        `GRANT USAGE ON SCHEMA chatkeep TO ${name}; GRANT SELECT ON chatkeep.archive, chatkeep.runs TO ${name}`,
      )
      const found = findingsOf(await verify(database, '--expect', 'rolled-back'))
      const [grant] = found.filter(({ code }) => code === 'own_privileges')
      expect(grant).toMatchObject({
        severity: 'warning',
        object: 'table "chatkeep"."archive"',
        help: `in psql: REVOKE SELECT ON TABLE "chatkeep"."archive" FROM ${name.replaceAll('"', '')};`,
      })
      await typeSteps(database, grant?.steps ?? [])
      expect(findingsOf(await verify(database, '--expect', 'rolled-back')).map(({ code }) => code)).toEqual(
        found.map(({ code }) => code).filter((code) => code !== 'own_privileges'),
      )
    })
  })

  test('one thing in a database that is migrated', async ({ database }) => {
    await migrated(database)
    const run = await verify(database, '--expect', 'rolled-back')
    expect(findingsOf(run)).toMatchObject([
      { code: 'migrations_left', help: `chatkeep rollback --confirm ${database.name}` },
    ])
    expect(run.exitCode).toBe(1)
    expect(parse(run).columns.map(({ ok }) => ok)).toEqual([false, false, false])
  })

  test('each thing in one that was migrated by hand', async ({ database }) => {
    await loadFixture(database, 'hand-migrated')
    const codes = findingsOf(await verify(database, '--expect', 'rolled-back')).map(({ code }) => code)
    expect(codes).toEqual(['column_nullability', 'column_left', 'column_left', 'index_left', 'index_left'])
  })

  test.for<readonly [what: string, breakage: string, finding: Partial<FoundFinding>]>([
    [
      'a guest column',
      'ALTER TABLE "ChatMessage" ADD COLUMN "guestPhone" text',
      { code: 'column_left', object: '"ChatMessage"."guestPhone"' },
    ],
    [
      'a guest index',
      `CREATE INDEX ${GUEST_INDEX} ON "ChatMessage" ("createdAt")`,
      { code: 'index_left', object: `index ${GUEST_INDEX}` },
    ],
    [
      'messages that need no client',
      'ALTER TABLE "ChatMessage" ALTER COLUMN "clientId" DROP NOT NULL',
      { code: 'column_nullability', expected: 'integer, bigint or smallint, NOT NULL' },
    ],
    [
      'a migration that is still in the history',
      `INSERT INTO chatkeep.migrations (id, name, hash) VALUES (2, 'allow-guest-messages', repeat('0', 40))`,
      { code: 'migrations_left', actual: '1 applied: 2_allow-guest-messages' },
    ],
    [
      'a changed first migration',
      `UPDATE chatkeep.migrations SET hash = repeat('0', 40) WHERE id = 1`,
      { code: 'migration_changed' },
    ],
    [
      'the mark of unverified guests',
      'ALTER TABLE "ChatMessage" ADD COLUMN "guestUnverified" boolean',
      { code: 'column_left', object: '"ChatMessage"."guestUnverified"' },
    ],
    [
      'the guard',
      GUARD,
      { code: 'rollback_unfinished', help: expect.stringMatching(/^chatkeep rollback --confirm/) as string },
    ],
  ])('%s', async ([, breakage, finding], { database }) => {
    await rolledBack(database)
    await database.load(breakage)
    const run = await verify(database, '--expect', 'rolled-back')
    expect(findingsOf(run)).toMatchObject([finding, { code: 'archive_waiting' }])
    expect(run.exitCode).toBe(1)
  })

  test('nothing wrong with a history that is gone', async ({ database }) => {
    await rolledBack(database)
    await database.load('DROP TABLE chatkeep.migrations, chatkeep.archive, chatkeep.archived_clients')
    expect(findingsOf(await verify(database, '--expect', 'rolled-back'))).toEqual([])
  })
})
