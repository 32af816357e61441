import { checksum, migrated, on, withStore } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { withLimitedRole, type LimitedRole } from '../../support/limited-role.js'
import { transcriptLine, writeInput } from '../../support/transcript.js'

/** Policies that show each tenant its own rows, for the owner of the tables, too. */
const TENANTS = `
  ALTER TABLE "ChatMessage" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
  CREATE POLICY tenant ON "ChatMessage" USING ("clientId" = nullif(current_setting('app.client', true), '')::integer)`

const GUESTS = `
  INSERT INTO "ChatMessage" ("clientId", "guestUsername", "senderType", "messageType", "text", "idempotencyKey")
  VALUES (1, 'maria', 'CLIENT', 'TEXT', 'x', 'k1'), (NULL, 'linkme', 'CLIENT', 'TEXT', 'x', NULL)`

/** Makes the role the owner of all that is there. */
const asOwner = (database: TestDatabase, work: (role: LimitedRole) => Promise<void>): Promise<void> =>
  withLimitedRole(database, async (role) => {
    await database.load(`
      GRANT CREATE ON DATABASE "${database.name}" TO ${role.name};
      DO $$ DECLARE made record; BEGIN
        FOR made IN SELECT oid::regclass AS name FROM pg_class WHERE relnamespace IN ('public'::regnamespace, 'chatkeep'::regnamespace) AND relkind = 'r' LOOP
          EXECUTE format('ALTER TABLE %s OWNER TO ${role.name}', made.name);
        END LOOP;
        FOR made IN SELECT oid::regtype AS name FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e' LOOP
          EXECUTE format('ALTER TYPE %s OWNER TO ${role.name}', made.name);
        END LOOP;
      END $$;
      ALTER SCHEMA public OWNER TO ${role.name}; ALTER SCHEMA chatkeep OWNER TO ${role.name}`)
    try {
      await work(role)
    } finally {
      await database.query(`REASSIGN OWNED BY ${role.name} TO CURRENT_USER`)
    }
  })

describe('row-level security that hides rows from the owner of the tables', () => {
  test('is refused by everything that counts, links or archives, before the first change', async ({ database }) => {
    await migrated(database, 'crm-before')
    await database.load(GUESTS)
    await asOwner(database, async ({ name, url }) => {
      await database.load(TENANTS)
      const owned = { ...database, url }
      const rows = (): Promise<unknown> => checksum(database, 'ChatMessage')
      const before = await rows()
      const rollback = ['rollback', '--confirm', database.name] as const
      const line = await writeInput(transcriptLine())
      const refuse = async (...argv: readonly string[]): Promise<void> => {
        const { exitCode, stdout, stderr } = await on(owned, ...argv)
        expect([exitCode, stdout.includes('-- chatkeep')], `${argv.join(' ')}: ${stdout}${stderr}`).toEqual([3, false])
        expect(stderr).toContain('row-level security may hide rows of "ChatMessage" from the role')
        expect(stderr).toContain(`ALTER ROLE ${name} BYPASSRLS`)
      }
      await refuse(...rollback)
      for (const argv of [
        ['rollback', '--dry-run'],
        ['rollback', '--sql'],
        ['reconcile'],
        ['reconcile', '--dry-run'],
        ['retain', '--older-than', '1d'],
        ['erase', '--client-id', '1'],
      ])
        await refuse(...argv)
      for (const argv of [['verify'], ['metrics'], ['replay', line], ['replay', '--check-only', line]])
        await refuse(...argv)
      await refuse('replay', '--scenario', 'guest-flow')
      const end = new AbortController()
      const serving = { signal: end.signal, onStdout: () => end.abort(new Error('SIGTERM')) }
      expect((await runChatkeep(['serve', '--port', '0', '--database-url', url], serving)).stderr).toContain(
        '"rows_hidden"',
      )
      expect(await rows()).toEqual(before)
      // Adds columns and indexes, and reads no row.
      expect((await on(owned, 'migrate')).exitCode).toBe(0)

      await database.query(`ALTER ROLE ${name} BYPASSRLS`)
      expect((await on(owned, ...rollback)).stdout).toContain('archived: guest data of 2 messages')
      await database.query(`ALTER ROLE ${name} NOBYPASSRLS`)
      await refuse('migrate')
      await database.query('ALTER TABLE "ChatMessage" NO FORCE ROW LEVEL SECURITY')
      expect((await on(owned, 'migrate')).exitCode).toBe(0)
      expect(await rows()).toEqual(before)
    })
  })
})

describe('the store of an application with row-level security', () => {
  test('keeps what the policies allow, refuses the rest by name, and shows each tenant its own', async ({
    database,
  }) => {
    await migrated(database, 'crm-before')
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(`
        GRANT USAGE ON SCHEMA public, chatkeep TO ${name}; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ${name};
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, chatkeep TO ${name}; ${TENANTS}`)
      const before = await checksum(database, 'ChatMessage')
      const tenant = new URL(url)
      tenant.search = 'options=-c%20app.client%3D2'
      await withStore({ ...database, url: tenant.href }, async (store) => {
        const message = { senderType: 'CLIENT', messageType: 'TEXT', text: 'hello' } as const
        const [own, others] = await Promise.allSettled(
          [2, 3].map((clientId) => store.saveChatMessage({ ...message, clientId })),
        )
        expect(own).toMatchObject({ status: 'fulfilled', value: { clientId: 2 } })
        expect(others).toMatchObject({ status: 'rejected', reason: { name: 'DatabaseRefused', sqlState: '42501' } })
        const { messages } = await store.getChatHistory({ clientId: 2, limit: 1 })
        expect(messages).toMatchObject([{ text: 'hello' }])
        expect((await store.getChatHistory({ clientId: 3 })).messages).toEqual([])
        expect((await store.getRecentChats()).chats.map(({ clientId }) => clientId)).toEqual([2])
        expect(await store.markMessagesAsRead({ clientId: 3, operatorId: null })).toBe(0)
      })
      await database.query(`DELETE FROM "ChatMessage" WHERE "text" = 'hello'`)
      expect(await checksum(database, 'ChatMessage')).toEqual(before)

      // A policy that shows every row is no hindrance where no row is counted for others.
      await database.load(`CREATE POLICY every ON "ChatMessage" TO ${name} USING (true) WITH CHECK (true)`)
      const { exitCode, stdout } = await on({ ...database, url }, 'replay', '--scenario', 'guest-flow')
      expect([exitCode, stdout]).toEqual([0, expect.stringContaining('3 of 3 cases passed')])
    })
  })
})
