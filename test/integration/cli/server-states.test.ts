import { tmpdir } from 'node:os'
import { parseDatabaseUrl } from '../../../src/database/target/connection-string.js'
import { toConnectionTarget } from '../../../src/database/connection-target.js'
import { withClient } from '../../../src/database/connection.js'
import { SERVER_STATES } from '../../../src/database/errors/server-states.js'
import { reachedLimit } from '../../../src/database/errors/statement-limit.js'
import { OperatorError } from '../../../src/errors.js'
import { migrated, on } from '../../support/chat.js'
import { describe, expect, test } from '../../support/database.js'
import { writeInput } from '../../support/transcript.js'

/** `refuse()` raises the SQLSTATE that the table holds; nothing happens while it is empty. */
const REFUSE = `
  CREATE TABLE public.refusal (state text);
  CREATE FUNCTION public.refuse() RETURNS boolean LANGUAGE plpgsql AS $$
  BEGIN
    IF EXISTS (SELECT FROM public.refusal) THEN
      RAISE EXCEPTION 'made by a test' USING ERRCODE = (SELECT state FROM public.refusal);
    END IF;
    RETURN true;
  END $$`

const EVENT_TRIGGER = `
  CREATE FUNCTION public.refuse_change() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM public.refuse(); END';
  CREATE EVENT TRIGGER refuse_change ON ddl_command_start WHEN TAG IN ('ALTER TABLE', 'CREATE INDEX', 'DROP INDEX')
    EXECUTE FUNCTION public.refuse_change()`

const VIEW = `
  INSERT INTO "Client" ("username", "updatedAt") VALUES ('a guest', now()); ALTER TABLE "Client" RENAME TO client_table;
  CREATE VIEW "Client" AS SELECT * FROM client_table WHERE public.refuse()`

const ROW_TRIGGER = `
  INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType") VALUES ('a guest', 'CLIENT', 'TEXT');
  CREATE FUNCTION public.refuse_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM public.refuse(); RETURN NEW; END';
  CREATE TRIGGER refuse_row BEFORE UPDATE ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION public.refuse_row()`

/** One of each class. */
const PASSING = ['25P03', '40P01', '53200', '55P03', '57P01']

describe('an error of the server', () => {
  test('is explained by its SQLSTATE, with an exit code and a next step', async ({ database }) => {
    await database.load(REFUSE)
    const target = toConnectionTarget(parseDatabaseUrl(database.url, 'the test'), tmpdir())
    for (const [state, known] of Object.entries(SERVER_STATES)) {
      await database.query('TRUNCATE public.refusal')
      await database.query('INSERT INTO public.refusal VALUES ($1)', [state])
      const error = await withClient(target, { applicationName: 'chatkeep test' }, (client) =>
        client.query('SELECT public.refuse()'),
      ).catch((reason: unknown) => reason)
      if (!(error instanceof OperatorError)) throw new Error(`${state}: ${String(error)}`)
      const { sqlState, exitCode, retryable, message, next } = error
      expect({ sqlState, exitCode, retryable }).toEqual({
        ...{ sqlState: state, exitCode: known.exitCode, retryable: known.retryable },
      })
      expect(message).toContain('(made by a test)')
      expect(next, state).not.toEqual([])
    }
  })

  test('57014 right after connecting is a time-out where that took as long as the limit of a new session', async ({
    database,
  }) => {
    await database.query(`ALTER DATABASE "${database.name}" SET statement_timeout = '90s'`)
    const client = await database.client()
    await client.query(`SET statement_timeout = '10s'`)
    expect(await reachedLimit(client, 5, 10_000, 90_000)).toBe(true)
    expect(await reachedLimit(client, 5, 10_000, 89_999)).toBe(false)
    expect(await reachedLimit(client, 10_000, undefined, 5)).toBe(true)
  })

  test.for([
    ['verify guide', REFUSE, ['verify', 'GUIDE']],
    ['metrics', `${REFUSE}; ${VIEW}`, ['metrics']],
    ['reconcile', `${REFUSE}; ${ROW_TRIGGER}`, ['reconcile', '--max-wait', '300ms']],
    [
      'migrate',
      `${REFUSE}; DROP INDEX "ChatMessage_unread_idx"; ${EVENT_TRIGGER}`,
      ['migrate', '--yes', '--max-wait', '300ms'],
    ],
    ['rollback', `${REFUSE}; ${EVENT_TRIGGER}`, ['rollback', '--confirm', 'NAME', '--max-wait', '300ms']],
  ] as const)('that passes ends %s with 3 or 4, never with 1', async ([, sql, argv], { database }) => {
    await migrated(database)
    await database.load(sql)
    const guide = await writeInput('```sql\nSELECT public.refuse()\n```\n```\n refuse\n---\n t\n```\n', 'guide.md')
    const words = argv.map((word) => word.replace('GUIDE', guide).replace('NAME', database.name))
    const codes: Record<string, number> = {}
    for (const state of PASSING) {
      await database.query('TRUNCATE public.refusal')
      await database.query('INSERT INTO public.refusal VALUES ($1)', [state])
      codes[state] = (await on(database, ...words)).exitCode
    }
    await database.query('DROP EVENT TRIGGER IF EXISTS refuse_change')
    expect(codes).toEqual(Object.fromEntries(PASSING.map((state) => [state, SERVER_STATES[state]?.exitCode])))
  })
})
