import { on, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { withLimitedRole, type LimitedRole } from '../../support/limited-role.js'
import { casesOf } from '../../support/thorough.js'
import { SHOP } from '../../support/transcript.js'

/** The test's database with everything done as this role. */
const asRole = async (database: TestDatabase, { url }: LimitedRole): Promise<TestDatabase> => {
  const client = await database.client({ connectionString: url })
  return {
    ...database,
    url,
    query: async (sql, values) => (await client.query(sql, values && [...values])).rows as never,
    load: async (script) => {
      await client.query(script)
    },
  }
}

const expectDone = async (database: TestDatabase, ...argv: readonly string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await on(database, ...argv)
  expect(exitCode, `${argv.join(' ')}: ${stdout}${stderr}`).toBe(0)
  return stdout
}

const RELATIONS = `
  SELECT relname, relkind, relowner::regrole::text AS "owner", relacl::text AS "grants"
  FROM pg_class WHERE relnamespace IN ('public'::regnamespace, to_regnamespace('chatkeep')) ORDER BY 1`

/** How identity providers name people. */
const PERSON = 'Jane.Doe@example.com '

describe('an owner of nothing but the tables', () => {
  test.for(
    casesOf<readonly [right: string, grant: (role: string) => string]>(
      [['may create in their schema', (role) => `GRANT USAGE, CREATE ON SCHEMA public TO ${role}`]],
      [['owns their schema', (role) => `ALTER SCHEMA public OWNER TO ${role}`]],
    ),
  )('who %s goes all the way there, back and there again', async ([, rights], { database }) => {
    await withLimitedRole(
      database,
      async (role) => {
        await database.load(rights(role.name))
        const owner = await asRole(database, role)
        await loadFixture(owner, 'crm-before')
        const schema = `CREATE SCHEMA "chatkeep" AUTHORIZATION ${role.name}`
        for (const argv of [['migrate', '--dry-run'], ['migrate']]) {
          const { exitCode, stdout, stderr } = await on(owner, ...argv)
          expect([exitCode, stdout + stderr]).toEqual([3, expect.stringContaining(schema)])
        }
        await database.load(schema)
        await expectDone(owner, 'migrate', '--dry-run')
        await expectDone(owner, 'migrate')
        await expectDone(owner, 'verify')
        expect(await expectDone(owner, 'replay', SHOP)).toContain('14 saved')
        expect(await expectDone(owner, 'replay', '--scenario', 'guest-flow')).toContain('3 of 3 cases passed')
        await expectDone(owner, 'metrics')
        await expectDone(owner, 'reconcile')
        await expectDone(owner, 'rollback', '--dry-run')
        expect(await expectDone(owner, 'rollback', '--confirm', database.name)).toContain(
          'archived: guest data of 14 messages',
        )
        await expectDone(owner, 'verify', '--expect', 'rolled-back')
        expect(await expectDone(owner, 'migrate')).toContain('restored from the archive: guest data of 14 messages')
        await expectDone(owner, 'verify')
        const owners = await database.query(
          `SELECT DISTINCT relowner::regrole::text AS "owner" FROM pg_class
         WHERE relnamespace IN ('public'::regnamespace, 'chatkeep'::regnamespace)`,
        )
        expect(owners).toEqual([{ owner: role.name }])
      },
      PERSON,
    )
  })
})

describe('the role of the application', () => {
  /** What an application has before the update: its own tables, and no right to make others. */
  const withApplication = (
    database: TestDatabase,
    work: (application: TestDatabase, owner: LimitedRole) => Promise<void>,
  ): Promise<void> =>
    withLimitedRole(database, (owner) =>
      withLimitedRole(database, async (application) => {
        await database.load(
          `ALTER SCHEMA public OWNER TO ${owner.name}; CREATE SCHEMA chatkeep AUTHORIZATION ${owner.name}`,
        )
        const asOwner = await asRole(database, owner)
        await loadFixture(asOwner, 'crm-before')
        await asOwner.load(`
          GRANT USAGE ON SCHEMA public TO ${application.name};
          GRANT SELECT, INSERT, UPDATE ON "ChatMessage", "Client", "User" TO ${application.name};
          GRANT USAGE ON SEQUENCE "ChatMessage_id_seq", "Client_id_seq" TO ${application.name}`)
        await work(await asRole(database, application), owner)
      }),
    )

  /** As hosted databases have it, so that their API shows no table that nobody has thought of. */
  const SECURE_EVERY_TABLE = `
    CREATE SCHEMA security;
    CREATE FUNCTION security.secure() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    DECLARE made record;
    BEGIN
      FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE object_type = 'table' LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', made.object_identity);
      END LOOP;
    END $$;
    CREATE EVENT TRIGGER secure ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION security.secure()`

  test.for([
    ['', 'SELECT'],
    [', where every new table gets row-level security', SECURE_EVERY_TABLE],
  ] as const)('needs nothing but what migrate hands out%s', async ([, surroundings], { database }) => {
    await withApplication(database, async (application, owner) => {
      await database.load(surroundings)
      await expectDone(await asRole(database, owner), 'migrate')
      await withStore(application, async (store) => {
        const message = { senderType: 'CLIENT', messageType: 'TEXT', text: 'hello' } as const
        const first = await store.saveChatMessage({ ...message, guestUsername: 'ana', guestPhone: '+49 30 1' })
        const again = await store.saveChatMessage({ ...message, guestUsername: 'ana' })
        expect(again.clientId).toBe(first.clientId)
        expect(first.clientId).not.toBeNull()
        await store.saveChatMessage({ ...message, clientId: 1 })
        expect((await store.getChatHistory({ guestUsername: 'ana', limit: 10 })).messages).toHaveLength(2)
        const { chats } = await store.getRecentChats({ limit: 2 })
        expect(chats.map(({ unreadCount }) => unreadCount)).toContain(2)
        expect(await store.markMessagesAsRead({ guestUsername: 'ana', operatorId: 1 })).toBe(2)
      })
      expect(await expectDone(application, 'replay', SHOP)).toContain('14 saved')
      await expectDone(application, 'metrics')
      await expectDone(application, 'reconcile')
    })
  })

  test('may neither migrate nor roll back: refused before the first statement, naming the owner', async ({
    database,
  }) => {
    await withApplication(database, async (application, owner) => {
      const expectRefused = async (...argv: readonly string[]): Promise<void> => {
        const before = await database.query(RELATIONS)
        const { exitCode, stdout, stderr } = await on(application, ...argv)
        expect(exitCode, `${argv.join(' ')}: ${stdout}${stderr}`).toBe(3)
        expect(stderr).toContain('this role cannot change the tables; nothing was changed')
        expect(stderr).toContain(`"ChatMessage" is owned by ${owner.name.replaceAll('"', '')}`)
        expect(stderr).toContain('hint: connect as the owner')
        expect(await database.query(RELATIONS)).toEqual(before)
      }
      await expectRefused('migrate')
      await expectDone(await asRole(database, owner), 'migrate')
      await expectRefused('migrate')
      await expectRefused('rollback', '--confirm', database.name)
    })
  })
})
