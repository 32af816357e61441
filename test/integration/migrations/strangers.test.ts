import { on, withStore } from '../../support/chat.js'
import { expect, test, type TestDatabase } from '../../support/database.js'
import { findingsOf, verify } from '../../support/findings.js'
import { loadFixture } from '../../support/fixtures.js'
import { SHOP } from '../../support/transcript.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { typeSteps } from '../../support/next-steps.js'

/** Types of text without an operator of the server's own that fits exactly. */
const MIXED_TEXTS = [
  ['varchar', 'varchar'],
  ['varchar', 'text'],
  ['text', 'varchar'],
] as const

/** Functions that fit calls of ours better than the server's own, if the schema were in the search path. Each says that it ran. */
const BETTER_FITTING: readonly (readonly [name: string, types: string, returns: string])[] = [
  ['quote_ident', 'name', 'text'],
  ['format', 'text, name, name', 'text'],
  ['concat_ws', 'text, oid, xid', 'text'],
  ['to_json', 'public."Client"', 'json'],
  ['to_json', 'public."ChatMessage"', 'json'],
  ['to_jsonb', 'public."ChatMessage"', 'jsonb'],
  ['json_populate_record', 'public."ChatMessage", json', 'public."ChatMessage"'],
  ['json_build_array', 'name, text, boolean', 'json'],
  ['array_agg', 'text', 'text[]'],
  ['has_schema_privilege', 'oid, text', 'boolean'],
  ['same_sender', 'public."MessageSenderType", public."MessageSenderType"', 'boolean'],
  ['same_texts', 'text[], text[]', 'boolean'],
  ...MIXED_TEXTS.map(([left, right]): [string, string, string] => ['same_text', `${left}, ${right}`, 'boolean']),
]

const TRAPS = [
  ...BETTER_FITTING.map(
    ([name, types, returns]) =>
      `CREATE FUNCTION public.${name}(${types}) RETURNS ${returns} LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'a function of a stranger ran'; END $$`,
  ),
  'CREATE OPERATOR public.= (LEFTARG = public."MessageSenderType", RIGHTARG = public."MessageSenderType", FUNCTION = public.same_sender)',
  'CREATE OPERATOR public.= (LEFTARG = text[], RIGHTARG = text[], FUNCTION = public.same_texts)',
  ...MIXED_TEXTS.map(
    ([left, right]) => `CREATE OPERATOR public.= (LEFTARG = ${left}, RIGHTARG = ${right}, FUNCTION = public.same_text)`,
  ),
].join(';\n')

/** What an application may have made of its columns, and of ours. */
const VARCHARS = `
  ALTER TABLE "Client" ALTER "username" TYPE varchar, ALTER "phone" TYPE varchar;
  ALTER TABLE "ChatMessage" ALTER "guestUsername" TYPE varchar, ALTER "guestPhone" TYPE varchar, ALTER "idempotencyKey" TYPE varchar,
    ALTER "clientSocketId" TYPE varchar, ALTER "sessionId" TYPE varchar, ALTER "text" TYPE varchar, ALTER "imageUrl" TYPE varchar,
    ALTER "imageName" TYPE varchar, ALTER "mimeType" TYPE varchar;
  ALTER TABLE "User" ALTER "username" TYPE varchar;
  CREATE TABLE "Visit" ("client" varchar REFERENCES "Client" ("username"));
  INSERT INTO "Visit" SELECT "username" FROM "Client" WHERE "username" IS NOT NULL LIMIT 1`

const GUESTS = `
  INSERT INTO "ChatMessage" ("guestUsername", "idempotencyKey", "senderType", "messageType", "text")
  VALUES ('ana', 'key1', 'CLIENT', 'TEXT', 'x'), (NULL, 'key2', 'CLIENT', 'TEXT', 'y')`

const done = async (database: TestDatabase, ...argv: readonly string[]): Promise<void> => {
  const { exitCode, stdout, stderr } = await on(database, ...argv)
  expect(exitCode, `${argv.join(' ')}: ${stdout}${stderr}`).toBe(0)
}

test('a role that may create in the schema of the application gets nothing run by others', async ({ database }) => {
  await loadFixture(database, 'crm-before')
  await withLimitedRole(database, async ({ name, url }) => {
    await database.load(`GRANT USAGE, CREATE ON SCHEMA public TO ${name}`)
    const stranger = await database.client({ connectionString: url })
    await stranger.query(TRAPS)
    await done(database, 'migrate', '--dry-run')
    await done(database, 'migrate')
    await database.load(GUESTS)
    await done(database, 'metrics')
    await done(database, 'replay', '--scenario', 'guest-flow')
    await done(database, 'rollback', '--dry-run')
    await done(database, 'rollback', '--confirm', database.name)
    await done(database, 'verify', '--expect', 'rolled-back')
    await done(database, 'migrate')
    await done(database, 'migrate', '--history')
    await done(database, 'reconcile')
    expect(findingsOf(await verify(database)).filter(({ severity }) => severity === 'error')).toEqual([])
    await stranger.end()
  })
})

test('nor where the columns of the application are varchar', async ({ database }) => {
  await loadFixture(database, 'crm-before')
  await done(database, 'migrate')
  await database.load(GUESTS)
  await database.load(VARCHARS)
  await withLimitedRole(database, async ({ name, url }) => {
    await database.load(`GRANT USAGE, CREATE ON SCHEMA public TO ${name}`)
    const stranger = await database.client({ connectionString: url })
    await stranger.query(TRAPS)
    await done(database, 'metrics')
    await done(database, 'replay', '--scenario', 'guest-flow')
    await done(database, 'replay', SHOP)
    await withStore(database, async (store) => {
      const contact = { guestUsername: 'ana' }
      expect((await store.getRecentChats()).chats).not.toEqual([])
      expect((await store.getChatHistory(contact)).messages).toHaveLength(1)
      expect(await store.markMessagesAsRead({ ...contact, operatorId: null })).toBe(1)
    })
    await done(database, 'reconcile')
    await done(database, 'rollback', '--confirm', database.name)
    await done(database, 'verify', '--expect', 'rolled-back')
    await done(database, 'migrate')
    await done(database, 'verify')
    await stranger.end()
  })
})

test('roles that may create in the schema of the application are named, with a statement that ends it', async ({
  database,
}) => {
  await loadFixture(database, 'crm-before')
  await withLimitedRole(database, async ({ name }) => {
    await database.load(`GRANT CREATE ON SCHEMA public TO ${name}, PUBLIC`)
    const plan = await on(database, 'migrate', '--dry-run')
    const [, revoke = ''] = /^note +PUBLIC, (.*)$/m.exec(plan.stdout) ?? []
    expect(revoke).toContain('may create objects in schema "public"; chatkeep runs none of them')
    await done(database, 'migrate')
    const found = findingsOf(await verify(database))
    expect(found.map(({ severity, code, expected }) => [severity, code, expected])).toEqual([
      ['warning', 'schema_open_to_others', 'no CREATE for PUBLIC'],
      ['note', 'schema_open_to_others', `no CREATE for ${name.replaceAll('"', '')}`],
    ])
    for (const { steps } of found) await typeSteps(database, steps)
    expect(findingsOf(await verify(database))).toEqual([])
    const { stdout } = await on(database, 'rollback', '--dry-run')
    expect(stdout).not.toContain('may create objects')
  })
})

test('a superuser is told that the triggers of another owner get its rights', async ({ database }) => {
  await loadFixture(database, 'crm-before')
  await withLimitedRole(database, async ({ name }) => {
    const plan = await on(database, 'migrate', '--dry-run')
    expect(plan.stdout).not.toContain('is a superuser')
    await database.load(`ALTER TABLE "ChatMessage" OWNER TO ${name}`)
    expect((await on(database, 'migrate', '--dry-run')).stdout).toMatch(
      new RegExp(`^note +.* is a superuser, and "ChatMessage" belongs to ${name}: .*Connect as ${name}`, 'm'),
    )
    await database.load('ALTER TABLE "ChatMessage" OWNER TO CURRENT_USER')
  })
})
