import { migrated, on, withStore } from '../../support/chat.js'
import { runChatkeep, type Run } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { findPgBouncer, POOL_SIZE, withPooler } from '../../support/pooler.js'
import { connectTo } from '../../support/socket-chat.js'
import { textMessage } from '../../support/load.js'
import { SHOP } from '../../support/transcript.js'

const pgbouncer = findPgBouncer()
/** Releases before 1.21 never keep prepared statements, as later ones do not with 0. */
const MODES: readonly (readonly [title: string, settings: readonly string[]])[] =
  pgbouncer?.followsStatements === true
    ? [
        ['that follows prepared statements', []],
        ['that does not', ['max_prepared_statements = 0']],
      ]
    : [['that does not follow prepared statements', []]]

if (pgbouncer === undefined)
  console.warn('PgBouncer is not installed, so its tests are skipped: apt-get install pgbouncer')

describe.skipIf(pgbouncer === undefined)(`behind PgBouncer ${pgbouncer?.version ?? '(not installed)'}`, () => {
  describe.each(MODES)('%s', (_title, settings) => {
    const behind = (database: TestDatabase, work: (pooled: TestDatabase) => Promise<void>): Promise<void> =>
      withPooler({ path: pgbouncer?.path ?? '', database, settings }, work)

    test('migrate and rollback are refused before anything is done, with the way out', async ({ database }) => {
      await migrated(database, 'crm-before')
      const historyBefore = await database.query('SELECT * FROM "chatkeep"."migrations" ORDER BY "id"')
      await behind(database, async (pooled) => {
        for (const argv of [['migrate'], ['rollback', '--confirm', database.name]]) {
          const { exitCode, stderr } = await on(pooled, ...argv)
          expect(exitCode, stderr).toBe(5)
          expect(stderr).toContain(`${String(argv[0])} cannot run through a connection pooler that shares sessions`)
          expect(stderr).toContain('hint: connect to the server directly: DIRECT_URL=postgres://… or --database-url')
        }
      })
      expect(await database.query('SELECT * FROM "chatkeep"."migrations" ORDER BY "id"')).toEqual(historyBefore)
    })

    test('the plan is shown, and with DIRECT_URL for the server itself it is carried out', async ({ database }) => {
      await loadFixture(database, 'crm-before')
      await behind(database, async (pooled) => {
        const plan = await on(pooled, 'migrate', '--dry-run')
        expect(plan.exitCode, plan.stderr).toBe(5)
        expect(plan.stdout).toContain(
          'dry run: would end with exit code 5: migrate cannot run through a connection pooler that shares sessions',
        )
        const env = { DATABASE_URL: pooled.url, DIRECT_URL: database.url }
        const confirm = ['--confirm', `${new URL(database.url).host}/${database.name}`]
        for (const argv of [['migrate'], ['verify'], ['rollback', ...confirm], ['migrate']]) {
          const { exitCode, stderr } = await runChatkeep(argv, { env })
          expect(exitCode, `${argv.join(' ')}: ${stderr}`).toBe(0)
        }
      })
    })

    test('everything else works, and leaves nothing of it in the sessions of others', async ({ database }) => {
      await migrated(database, 'crm-before')
      await database.query(
        `INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType", "text")
         VALUES ('later a client', 'CLIENT', 'TEXT', 'hello')`,
      )
      await behind(database, async (pooled) => {
        const expectDone = async (...argv: readonly string[]): Promise<string> => {
          const { exitCode, stdout, stderr } = await on(pooled, ...argv)
          expect(exitCode, `${argv.join(' ')}: ${stdout}${stderr}`).toBe(0)
          return stdout
        }
        const sessions = await settingsOf(pooled)
        await expectDone('verify')
        await expectDone('metrics')
        expect(await expectDone('replay', SHOP, '--through', 'store')).toContain('14 saved')
        expect(await expectDone('replay', '--scenario', 'guest-flow')).toContain('3 of 3 cases passed')
        expect(await expectDone('reconcile')).toContain('1 message')
        expect(await settingsOf(pooled)).toEqual(sessions)
      })
    })

    test('many callers at once save and read, each its own', async ({ database }) => {
      await migrated(database, 'crm-before')
      await behind(database, async (pooled) => {
        await withStore(pooled, async (store) => {
          const message = { senderType: 'CLIENT', messageType: 'TEXT' } as const
          const names = Array.from({ length: 60 }, (_, n) => `guest ${n % 12}`)
          const saved = await Promise.all(
            names.map((guestUsername, n) => store.saveChatMessage({ ...message, guestUsername, text: `text ${n}` })),
          )
          expect(new Set(saved.map(({ id }) => id)).size).toBe(60)
          const pages = await Promise.all(
            Array.from({ length: 12 }, (_, n) => store.getChatHistory({ guestUsername: `guest ${n}`, limit: 10 })),
          )
          expect(pages.map(({ messages }) => messages.length)).toEqual(Array.from({ length: 12 }, () => 5))
          expect(await store.markMessagesAsRead({ guestUsername: 'guest 1', operatorId: 1 })).toBe(5)
        })
      })
    })

    test('serve answers over the socket', async ({ database }) => {
      await migrated(database, 'crm-before')
      await behind(database, async (pooled) => {
        const end = new AbortController()
        let run: Promise<Run> | undefined
        const printed = await new Promise<string>((resolve) => {
          run = runChatkeep(['serve', '--port', '0', '--database-url', pooled.url], {
            signal: end.signal,
            onStdout: resolve,
          })
        })
        const socket = await connectTo(Number(/127\.0\.0\.1:(\d+)/.exec(printed)?.[1]))
        await socket.emitWithAck('join', { role: 'client', username: 'ana' })
        const answer: unknown = await socket.emitWithAck('clientMessage', { type: 'text', message: 'hello' })
        socket.disconnect()
        end.abort(new Error('SIGTERM'))
        expect(answer).toMatchObject({ ok: true })
        expect((await run)?.exitCode).toBe(0)
      })
    })
  })
})

describe.skipIf(pgbouncer === undefined)(`PgBouncer ${pgbouncer?.version ?? '(not installed)'}`, () => {
  test('in session mode carries migrate and rollback', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    await withPooler({ path: pgbouncer?.path ?? '', database, settings: ['pool_mode = session'] }, async (pooled) => {
      for (const argv of [['migrate', '--dry-run'], ['migrate'], ['rollback', '--confirm', database.name]]) {
        const { exitCode, stderr } = await on(pooled, ...argv)
        expect(exitCode, stderr).toBe(0)
      }
    })
  })

  test('in statement mode is refused by what saves messages, at the start and in every answer', async ({
    database,
  }) => {
    await migrated(database)
    await withPooler({ path: pgbouncer?.path ?? '', database, settings: ['pool_mode = statement'] }, async (pooled) => {
      const refusal = {
        code: 'database_refused',
        sqlState: '08P01',
        blames: 'database',
        retryable: false,
        hint: expect.stringContaining('pool_mode = transaction') as unknown,
      }
      await withStore(pooled, async (store) => {
        await expect(store.checkReady()).rejects.toMatchObject(refusal)
        const guest = { ...textMessage('hello'), guestUsername: 'maria' }
        await expect(store.saveChatMessage(guest)).rejects.toMatchObject(refusal)
      })
      for (const argv of [['serve', '--port', '0'], ['migrate'], ['doctor']]) {
        const { exitCode, stderr } = await on(pooled, ...argv)
        expect(exitCode, stderr).toBe(5)
        expect(stderr).toContain('hint: set pool_mode = transaction in the configuration of PgBouncer')
      }
    })
  })

  test.for([
    ['pool_mode = statement', 5, 'connection_pooler', 'PgBouncer pools statements (pool_mode = statement)'],
    ['max_client_conn = 1', 3, 'too_many_connections', 'the connection limit of the pooler is reached'],
    ['query_wait_timeout = 1', 3, 'too_many_connections', 'no server connection of the pooler became free in time'],
  ] as const)('says why it refuses: %s', async ([setting, exitCode, code, message], { database }) => {
    const settings = [setting, 'default_pool_size = 1']
    await withPooler({ path: pgbouncer?.path ?? '', database, settings }, async (pooled) => {
      const other = await pooled.client({ connectionString: pooled.url })
      if (exitCode === 3) await other.query('BEGIN')
      const run = await on(pooled, 'metrics', '--json')
      await other.end()
      expect(run.exitCode).toBe(exitCode)
      expect(JSON.parse(run.stdout)).toMatchObject({ error: { code } })
      expect(run.stderr).toContain(message)
    })
  })
})

const SELECT_SETTINGS = `
  SELECT (SELECT json_object_agg(name, setting) FROM pg_settings WHERE name NOT LIKE 'application_name') AS "settings",
    (SELECT count(*)::integer FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
     WHERE l.locktype = 'advisory' AND d.datname = current_database()) AS "advisoryLocks"`

/** What a command could leave behind in the sessions that others get next: all of them. */
const settingsOf = async (pooled: TestDatabase): Promise<readonly unknown[]> => {
  const clients = await Promise.all(
    Array.from({ length: POOL_SIZE }, () => pooled.client({ connectionString: pooled.url })),
  )
  // A transaction keeps its session, so that each has one of its own.
  for (const client of clients) await client.query('BEGIN')
  const settings: unknown[] = []
  for (const client of clients) {
    settings.push((await client.query(SELECT_SETTINGS)).rows[0])
    await client.query('COMMIT')
    await client.end()
  }
  return settings
}
