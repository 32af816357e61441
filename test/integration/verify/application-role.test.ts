import { migrated, withStore } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { expectExplained } from '../../support/explained.js'
import { findingsOf, verify, type FoundFinding } from '../../support/findings.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { typeSteps } from '../../support/next-steps.js'

const asApplication = async (
  database: TestDatabase,
  script: (role: string) => string,
): Promise<{ role: string; found: readonly FoundFinding[] }> => {
  let found: readonly FoundFinding[] = []
  let named = ''
  await migrated(database)
  await withLimitedRole(database, async ({ name }) => {
    named = name.replaceAll('"', '')
    await database.load(script(name))
    found = findingsOf(await verify(database, '--application-role', named))
  })
  expectExplained(found)
  return { role: named, found }
}

const RIGHTS = (role: string): string => `
  GRANT USAGE ON SCHEMA public, chatkeep TO ${role};
  GRANT SELECT, INSERT, UPDATE ON "ChatMessage" TO ${role};
  GRANT SELECT, INSERT ON "Client", "chatkeep"."guest_clients" TO ${role};
  GRANT SELECT ON chatkeep.client_aliases, chatkeep.merged_clients, chatkeep.changed_messages TO ${role};
  GRANT USAGE ON "ChatMessage_id_seq", "Client_id_seq" TO ${role};`

describe('verify --application-role', () => {
  test('finds nothing where the role has every right', async ({ database }) => {
    expect((await asApplication(database, RIGHTS)).found).toEqual([])
  })

  test('asks for no less than the core needs: these rights are enough', async ({ database }) => {
    await migrated(database)
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(RIGHTS(name))
      await withStore({ ...database, url }, async (store) => {
        const message = { senderType: 'CLIENT', messageType: 'TEXT', guestUsername: 'maria', text: 'hello' } as const
        const { clientId } = await store.saveChatMessage(message)
        expect((await store.getRecentChats({ limit: 5 })).chats).toHaveLength(1)
        expect((await store.getChatHistory({ clientId: clientId ?? 0, limit: 5 })).messages).toHaveLength(1)
        await store.markMessagesAsRead({ clientId: clientId ?? 0, operatorId: null })
      })
    })
  })

  test('names each right that is missing, and the statement that gives it', async ({ database }) => {
    const { role, found } = await asApplication(database, () => 'REVOKE USAGE ON SCHEMA public FROM PUBLIC')
    expect(found.map(({ code, object }) => [code, object])).toEqual([
      ['privilege_missing', 'schema "public"'],
      ['privilege_missing', 'schema "chatkeep"'],
      ['privilege_missing', 'table "ChatMessage"'],
      ['privilege_missing', 'table "Client"'],
      ['privilege_missing', 'table "chatkeep"."changed_messages"'],
      ['privilege_missing', 'table "chatkeep"."client_aliases"'],
      ['privilege_missing', 'table "chatkeep"."guest_clients"'],
      ['privilege_missing', 'table "chatkeep"."merged_clients"'],
      ['privilege_missing', 'sequence "ChatMessage_id_seq"'],
      ['privilege_missing', 'sequence "Client_id_seq"'],
    ])
    expect(found[2]).toMatchObject({
      expected: `SELECT, INSERT, UPDATE for ${role}`,
      help: `in psql: GRANT SELECT, INSERT, UPDATE ON "public"."ChatMessage" TO "${role}";`,
    })
  })

  const OWNED_BY = (role: string): string => `
    ALTER TABLE "ChatMessage" OWNER TO ${role}; ALTER SCHEMA chatkeep OWNER TO ${role}; ALTER TABLE chatkeep.migrations OWNER TO ${role};
    ALTER TABLE chatkeep.runs OWNER TO ${role}; ALTER TABLE chatkeep.guest_clients OWNER TO ${role};
    ${['client_aliases', 'merged_clients', 'moved_messages', 'changed_messages', 'wanted_clients'].map((table) => `ALTER TABLE chatkeep.${table} OWNER TO ${role}`).join('; ')}`
  const SECURED = 'ALTER TABLE "ChatMessage" ENABLE ROW LEVEL SECURITY;'
  test.for<readonly [what: string, script: (role: string) => string, actual: string | undefined]>([
    ['no policy', () => SECURED, 'restricts SELECT, INSERT, UPDATE by the absence of a policy'],
    [
      'a policy for some rows',
      (role) => `${SECURED} CREATE POLICY "own" ON "ChatMessage" TO ${role} USING ("clientId" = 1)`,
      'restricts SELECT, INSERT, UPDATE by policy "own"',
    ],
    [
      'a policy for reading alone',
      () => `${SECURED} CREATE POLICY "read" ON "ChatMessage" FOR SELECT USING (true)`,
      'restricts INSERT, UPDATE by policy "read"',
    ],
    [
      'a restrictive policy',
      () => `${SECURED} CREATE POLICY "all" ON "ChatMessage" USING (true);
        CREATE POLICY "not old" ON "ChatMessage" AS RESTRICTIVE FOR SELECT USING ("id" > 100)`,
      'restricts SELECT by policy "all", "not old"',
    ],
    [
      'a policy for all rows',
      (role) => `${SECURED} CREATE POLICY "all" ON "ChatMessage" TO ${role} USING (true)`,
      undefined,
    ],
    ['a role that passes it by', (role) => `${SECURED} ALTER ROLE ${role} BYPASSRLS`, undefined],
    ['the owner', (role) => `${SECURED} ${OWNED_BY(role)}`, undefined],
    [
      'the owner, who is not excepted',
      (role) => `${SECURED} ${OWNED_BY(role)}; ALTER TABLE "ChatMessage" FORCE ROW LEVEL SECURITY`,
      'restricts SELECT, INSERT, UPDATE by the absence of a policy',
    ],
  ])('and row-level security: %s', async ([, script, actual], { database }) => {
    const { found } = await asApplication(database, (role) => `${RIGHTS(role)} ${script(role)}`)
    expect(found.map(({ code, actual: words }) => `${code}: ${words}`)).toEqual(
      actual === undefined ? [] : [`rows_hidden: row-level security ${actual}`],
    )
  })

  test('warns of its commits that do not wait for the disk, and notes those of other roles', async ({ database }) => {
    await migrated(database)
    await withLimitedRole(database, async ({ name }) => {
      await database.load(
        `${RIGHTS(name)} ALTER ROLE ${name} IN DATABASE ${database.name} SET synchronous_commit = off`,
      )
      const role = name.replaceAll('"', '')
      const [warning] = findingsOf(await verify(database, '--application-role', role))
      expect(warning).toMatchObject({ code: 'synchronous_commit_off', severity: 'warning' })
      expect(findingsOf(await verify(database))).toMatchObject([{ code: 'synchronous_commit_off', severity: 'note' }])
      await typeSteps(database, warning?.steps ?? [])
      expect(findingsOf(await verify(database, '--application-role', role))).toEqual([])
    })
  })

  test('checks the rows as a role that may only read messages, clients and the history', async ({ database }) => {
    await migrated(database)
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(`GRANT USAGE ON SCHEMA chatkeep TO ${name};
        GRANT SELECT ON "ChatMessage", "Client", chatkeep.migrations TO ${name}`)
      expect(findingsOf(await runChatkeep(['verify', '--json', '--database-url', url]))).toEqual([])
    })
  })

  test('refuses a role that is not there', async ({ database }) => {
    await migrated(database)
    const { exitCode, stderr } = await runChatkeep([
      'verify',
      '--application-role',
      'nobody at all',
      '--database-url',
      database.url,
    ])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('error: there is no role "nobody at all" on this server')
  })
})
