import { on } from '../../support/chat.js'
import { expect, test } from '../../support/database.js'
import { findingsOf, verify } from '../../support/findings.js'
import { loadFixture } from '../../support/fixtures.js'
import { withLimitedRole } from '../../support/limited-role.js'

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
]

const TRAPS = [
  ...BETTER_FITTING.map(
    ([name, types, returns]) =>
      `CREATE FUNCTION public.${name}(${types}) RETURNS ${returns} LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'a function of a stranger ran'; END $$`,
  ),
  'CREATE OPERATOR public.= (LEFTARG = public."MessageSenderType", RIGHTARG = public."MessageSenderType", FUNCTION = public.same_sender)',
  'CREATE OPERATOR public.= (LEFTARG = text[], RIGHTARG = text[], FUNCTION = public.same_texts)',
].join(';\n')

test('a role that may create in the schema of the application gets nothing run by others', async ({ database }) => {
  await loadFixture(database, 'crm-before')
  await withLimitedRole(database, async ({ name, url }) => {
    await database.load(`GRANT USAGE, CREATE ON SCHEMA public TO ${name}`)
    const stranger = await database.client({ connectionString: url })
    await stranger.query(TRAPS)
    const done = async (...argv: readonly string[]): Promise<void> => {
      const { exitCode, stdout, stderr } = await on(database, ...argv)
      expect(exitCode, `${argv.join(' ')}: ${stdout}${stderr}`).toBe(0)
    }
    await done('migrate', '--dry-run')
    await done('migrate')
    await database.load(`
      INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType", "text") VALUES ('ana', 'CLIENT', 'TEXT', 'x'), (NULL, 'CLIENT', 'TEXT', 'y')`)
    await done('metrics')
    await done('replay', '--scenario', 'guest-flow')
    await done('rollback', '--dry-run')
    await done('rollback', '--confirm', database.name)
    await done('verify', '--expect', 'rolled-back')
    await done('migrate')
    await done('migrate', '--history')
    await done('reconcile')
    expect(findingsOf(await verify(database)).filter(({ severity }) => severity === 'error')).toEqual([])
    await stranger.end()
  })
})
