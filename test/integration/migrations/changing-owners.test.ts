import { randomBytes } from 'node:crypto'
import { on } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { findingsOf, verify } from '../../support/findings.js'
import { loadFixture } from '../../support/fixtures.js'
import { typeSteps } from '../../support/next-steps.js'

interface Roles {
  /** Owns the tables; nobody logs in as this role. */
  readonly owner: string
  /** A member of the owner, such as a role of a deployment. */
  readonly deployer: string
  readonly other: string
  readonly deployerUrl: string
}

/** Tables of an owner, migrated by a member of it. The roles are dropped afterwards. */
const withDeployer = async (database: TestDatabase, work: (roles: Roles) => Promise<void>): Promise<void> => {
  const id = randomBytes(5).toString('hex')
  const [owner, deployer, other] = [`chatkeep_owner_${id}`, `chatkeep_deployer_${id}`, `chatkeep_other_${id}`]
  const url = new URL(database.url)
  url.username = deployer
  url.password = id
  await database.load(`
    CREATE ROLE ${owner}; CREATE ROLE ${other}; CREATE ROLE ${deployer} LOGIN PASSWORD '${id}' IN ROLE ${owner};
    ALTER SCHEMA public OWNER TO ${owner};
    GRANT CREATE ON DATABASE ${database.name} TO ${owner}`)
  try {
    await loadFixture(database, 'crm-before')
    await database.load(`DO $$ DECLARE t regclass; BEGIN
      FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO ${owner}', t);
      END LOOP;
    END $$`)
    const { exitCode, stderr } = await on({ ...database, url: url.href }, 'migrate')
    expect(exitCode, stderr).toBe(0)
    await work({ owner, deployer, other, deployerUrl: url.href })
  } finally {
    await database.load(
      `DROP OWNED BY ${owner}, ${other} CASCADE; DROP ROLE IF EXISTS ${deployer}; DROP ROLE ${owner}, ${other}`,
    )
  }
}

const EVERY_WRITE = `
  INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType") VALUES ('ana', 'CLIENT', 'TEXT');
  UPDATE "ChatMessage" SET "clientId" = 2 WHERE "clientId" = 1;
  DELETE FROM "ChatMessage" WHERE "clientId" = 3`

const SELECT_OWNERS = `
  SELECT DISTINCT pg_get_userbyid(owner) AS "owner" FROM (
    SELECT relowner AS owner FROM pg_class WHERE relnamespace = 'chatkeep'::regnamespace
    UNION ALL SELECT nspowner FROM pg_namespace WHERE nspname = 'chatkeep'
    UNION ALL SELECT proowner FROM pg_proc WHERE pronamespace = 'chatkeep'::regnamespace) AS o`

const expectRoundTrip = async (database: TestDatabase): Promise<void> => {
  for (const argv of [['rollback', '--confirm', database.name], ['migrate']]) {
    const { exitCode, stderr } = await on(database, ...argv)
    expect(exitCode, stderr).toBe(0)
  }
  expect(findingsOf(await verify(database))).toEqual([])
}

describe("chatkeep's own tables", () => {
  test('belong to the owner of the chat, whoever migrates: a deployer can leave and be dropped', async ({
    database,
  }) => {
    await withDeployer(database, async ({ owner, deployer }) => {
      expect(await database.query(SELECT_OWNERS)).toEqual([{ owner }])
      await database.load(`REVOKE ${owner} FROM ${deployer}; DROP ROLE ${deployer}`)
      await database.load(EVERY_WRITE)
      expect(findingsOf(await verify(database))).toEqual([])
      await expectRoundTrip(database)
      expect(await database.query(SELECT_OWNERS)).toEqual([{ owner }])
    })
  })

  test('follow REASSIGN OWNED, and go with DROP OWNED', async ({ database }) => {
    await withDeployer(database, async ({ owner, other }) => {
      await database.load(`REASSIGN OWNED BY ${owner} TO ${other}`)
      expect(await database.query(SELECT_OWNERS)).toEqual([{ owner: other }])
      await database.load(EVERY_WRITE)
      await expectRoundTrip(database)
      await database.load(`DROP OWNED BY ${other} CASCADE`)
      expect(await database.query(`SELECT to_regnamespace('chatkeep') AS schema`)).toEqual([{ schema: null }])
    })
  })

  test('are named, each with its statement, when the chat alone gets another owner', async ({ database }) => {
    await withDeployer(database, async ({ other }) => {
      await database.load(`ALTER TABLE "ChatMessage" OWNER TO ${other}`)
      await database.load(EVERY_WRITE)
      const found = findingsOf(await verify(database))
      expect(found.map(({ code }) => code)).toEqual(Array(9).fill('own_object_owner'))
      const refused = await on(database, 'migrate')
      expect([refused.exitCode, refused.stderr]).toEqual([5, expect.stringContaining(found[0]?.steps[0]?.text ?? '')])
      for (const { steps } of found) await typeSteps(database, steps)
      expect(findingsOf(await verify(database))).toEqual([])
      await expectRoundTrip(database)
    })
  })
})
