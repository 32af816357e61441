import { migrated } from '../../support/chat.js'
import { expect, test } from '../../support/database.js'
import { findingsOf, verify } from '../../support/findings.js'
import { typeSteps } from '../../support/next-steps.js'

const MARK_AS_READ = 'UPDATE "ChatMessage" SET "isRead" = true WHERE "id" = 1'

test('a publication whose WHERE would make every update fail is found, and the next step mends it', async ({
  database,
  skip,
}) => {
  await migrated(database, 'crm-before')
  const [{ hasFilters } = { hasFilters: false }] = await database.query<{ hasFilters: boolean }>(
    `SELECT current_setting('server_version_num')::integer >= 150000 AS "hasFilters"`,
  )
  if (!hasFilters) {
    skip('publications have no WHERE before PostgreSQL 15')
    return
  }
  await database.load('CREATE PUBLICATION by_key FOR TABLE "ChatMessage" WHERE ("id" > 0)')
  expect(findingsOf(await verify(database))).toEqual([])
  await database.load('CREATE PUBLICATION unread FOR TABLE "ChatMessage" WHERE ("isRead" = false)')
  await expect(database.load(MARK_AS_READ)).rejects.toMatchObject({ code: '42P10' })
  const [found, ...others] = findingsOf(await verify(database))
  expect([found, others]).toMatchObject([
    { code: 'replica_identity_missing', object: 'table "public"."ChatMessage"' },
    [],
  ])
  expect(found?.actual).toContain('its WHERE reads columns that are no part of the replica identity')
  await typeSteps(database, found?.steps ?? [])
  await database.load(MARK_AS_READ)
  expect(findingsOf(await verify(database))).toEqual([])
})

test('a trigger function of another owner is found, and the next step mends it', async ({ database }) => {
  const role = `${database.name}_other`
  await migrated(database, 'crm-before')
  await database.load(`
    CREATE ROLE ${role};
    CREATE FUNCTION chatkeep.capture() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN NULL; END';
    ALTER FUNCTION chatkeep.capture() OWNER TO ${role}`)
  try {
    const owned = async () => findingsOf(await verify(database)).filter(({ code }) => code === 'own_object_owner')
    const [found] = await owned()
    expect(found?.object).toBe('function "chatkeep"."capture"()')
    await typeSteps(database, found?.steps ?? [])
    expect(await owned()).toEqual([])
  } finally {
    await database.load(`DROP FUNCTION chatkeep.capture(); DROP ROLE ${role}`)
  }
})
