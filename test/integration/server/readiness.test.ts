import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { createChatStore } from '../../../src/persistence/chat-store.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { administer, describe, expect, test as databaseTest } from '../../support/database.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { expectOk, test, whileBlocked, untilWaiting, withChat, withoutMessages } from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

const probe = async (port: number, path: string, method = 'GET') => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method })
  return { status: response.status, text: await response.text() }
}

const probeWith = async (port: number, headers: Readonly<Record<string, string>>) => {
  const request = get({ port, path: '/readyz', headers: { ...headers } })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return { status: response.statusCode, text: await text(response) }
}

const STORING = `
  GRANT USAGE ON SCHEMA chatkeep TO :role;
  GRANT ALL ON ALL TABLES IN SCHEMA public, chatkeep TO :role;
  GRANT ALL ON ALL SEQUENCES IN SCHEMA public, chatkeep TO :role`

const READY = { status: 200, text: '{"ok":true}' }
const trouble = (code: string) => ({ status: 503, text: JSON.stringify({ ok: false, code }) })

describe('the probes of a server', () => {
  test('say what it could do, by GET and HEAD alone', async ({ chat }) => {
    const { port } = chat.server
    expect(await probe(port, '/healthz')).toEqual(READY)
    expect(await probe(port, '/readyz?x=1')).toEqual(READY)
    expect(await probe(port, '/healthz', 'HEAD')).toEqual({ status: 200, text: '' })
    expect(await probe(port, '/readyz', 'POST')).toMatchObject({ status: 405 })
    for (const path of ['/readyz/', '/constructor', '/__proto__', '/chat/healthz', '//healthz']) {
      expect((await probe(port, path)).status).toBeGreaterThanOrEqual(400)
    }
  })

  databaseTest(
    'ask the database once a second at most, and prove themselves by a commit that leaves no row',
    async ({ database }) => {
      await withoutMessages(database)
      const store = createChatStore({ databaseUrl: database.url })
      let asked = 0
      const counted = { ...store, checkReady: () => ((asked += 1), store.checkReady()) }
      await withChat(database, { store: counted }, async ({ server: { port } }) => {
        const id = async () => Number((await database.query('SELECT pg_current_xact_id()::text AS "id"'))[0]?.id)
        const before = await id()
        const answers = await Promise.all(Array.from({ length: 50 }, () => probe(port, '/readyz')))
        expect(answers).toEqual(answers.map(() => READY))
        expect(asked).toBe(1)
        // The question itself has a transaction id, too.
        expect((await id()) - before).toBeGreaterThanOrEqual(2)
        expect(await database.query('SELECT FROM "ChatMessage"')).toEqual([])
      })
    },
  )

  test('name what keeps messages from being kept, and recover', async ({ chat }) => {
    const { port } = chat.server
    const { database } = chat
    const untilReady = (expected: object) =>
      until(async () => expect(await probe(port, '/readyz')).toEqual(expected), { what: 'the answer of /readyz' })
    await whileBlocked(database, async () => {
      await untilReady(trouble('database_unavailable'))
      expect(chat.log.join()).toMatch(/ChatMessage[\\\\"]+ is locked by pid \d+/)
      // Who comes through a proxy, or by a name that a page may have pointed here, learns no more than that.
      for (const headers of [{ host: 'rebound.example' }, { 'x-forwarded-for': '192.0.2.1' }]) {
        expect(await probeWith(port, headers)).toEqual({ status: 503, text: '{"ok":false}' })
      }
    })
    await database.query('DROP INDEX "ChatMessage_idempotencyKey_key"')
    await untilReady(trouble('schema_not_ready'))
    // A client may repeat what it sends while somebody is at the schema.
    const ana = await chat.guest('ana')
    expect(await ana.ask('clientMessage', { type: 'text', message: 'x' })).toMatchObject({
      error: { code: 'schema_not_ready', retryable: true },
    })
    await database.query('CREATE UNIQUE INDEX "ChatMessage_idempotencyKey_key" ON "ChatMessage" ("idempotencyKey")')
    await untilReady(READY)
    expectOk(await ana.ask('clientMessage', { type: 'text', message: 'x' }))
    await database.query(`ALTER DATABASE "${database.name}" SET default_transaction_read_only = on`)
    await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    )
    await untilReady(trouble('database_unavailable'))
    expect(await probe(port, '/healthz')).toEqual(READY)
    expect(chat.log.join()).toContain('"condition":"readOnlyTransaction"')
  })

  test('say that the server is closing while it drains', async ({ chat }) => {
    const ana = await chat.guest('ana')
    await whileBlocked(chat.database, async (release) => {
      const underWay = ana.ask('clientMessage', { type: 'text', message: 'last' })
      await untilWaiting(chat.database, 1)
      const closed = chat.server.close()
      for (const path of ['/healthz', '/readyz']) {
        expect(await probe(chat.server.port, path)).toEqual(trouble('server_closing'))
      }
      await release()
      expectOk(await underWay)
      await closed
    })
  })
})

describe('a database that refuses connections for a while', () => {
  databaseTest.for([
    [
      'by ALLOW_CONNECTIONS false',
      'objectNotInPrerequisiteState',
      'is not currently accepting connections',
      ...['ALTER DATABASE :database ALLOW_CONNECTIONS false', 'ALTER DATABASE :database ALLOW_CONNECTIONS true'],
    ],
    [
      'by a missing CONNECT',
      'insufficientPrivilege',
      'permission denied for database',
      ...['REVOKE CONNECT ON DATABASE :database FROM PUBLIC', 'GRANT CONNECT ON DATABASE :database TO PUBLIC'],
    ],
  ] as const)('%s is unavailable: it costs no message', async ([, condition, reason, refuse, admit], { database }) => {
    await withoutMessages(database)
    const alter = (sql: string) => administer((client) => client.query(sql.replace(':database', database.name)))
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(STORING.replaceAll(':role', name))
      const store = createChatStore({ databaseUrl: url }, { deadlineMs: 3_000 })
      await withChat(database, { store }, async (chat) => {
        const ana = await chat.guest('ana')
        const send = () => ana.ask('clientMessage', { type: 'text', message: 'x', messageId: 'x' })
        expectOk(await ana.ask('clientMessage', { type: 'text', message: 'before' }))
        await alter(refuse)
        await database.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
        )
        const unavailable = { code: 'database_unavailable', retryable: true }
        const why = { ...unavailable, blames: 'database', message: expect.stringContaining(reason) as unknown }
        await Promise.all([
          expect(send()).resolves.toMatchObject({ error: unavailable }),
          expect(store.getRecentChats()).rejects.toMatchObject(why),
          expect(store.renameClient({ clientId: 1, username: 'ana' })).rejects.toMatchObject(why),
          expect(store.checkReady()).rejects.toMatchObject(why),
        ])
        const { status, text } = await probe(chat.server.port, '/readyz')
        expect([status, JSON.parse(text)]).toEqual([
          503,
          { ok: false, code: 'database_unavailable', reason: expect.stringContaining(reason) as unknown },
        ])
        expect(await probeWith(chat.server.port, { 'x-forwarded-for': '192.0.2.1' })).toEqual({
          ...{ status: 503, text: '{"ok":false}' },
        })
        const logged = chat.log.map((line) => JSON.parse(line) as Record<string, unknown>)
        for (const event of ['request_failed', 'not_ready'])
          expect(logged.find((line) => line.event === event)).toMatchObject({
            ...{ code: 'database_unavailable', condition },
            reason: expect.stringContaining(reason) as unknown,
          })
        await alter(admit)
        expectOk(await send())
        // What a statement may not do is refused for good.
        await database.query(`REVOKE INSERT ON "ChatMessage" FROM ${name}`)
        expect(await ana.ask('clientMessage', { type: 'text', message: 'y' })).toMatchObject({
          error: { code: 'database_refused', retryable: false },
        })
      })
    })
  })
})

describe('serve refuses to start', () => {
  databaseTest('while no index keeps a message from being stored twice, and says why', async ({ database }) => {
    await withoutMessages(database)
    const serve = () => runChatkeep(['serve', '--port', '0', '--database-url', database.url])
    const replacements = [
      [undefined, 'there is no unique index on "ChatMessage"."idempotencyKey"'],
      ['CREATE INDEX k ON "ChatMessage" ("idempotencyKey")', 'is not unique'],
      ['CREATE UNIQUE INDEX k ON "ChatMessage" ("idempotencyKey") WHERE "isRead"', 'is partial'],
      ['CREATE UNIQUE INDEX k ON "ChatMessage" ("idempotencyKey", "id")', 'has further columns'],
      ['ALTER TABLE "ChatMessage" ADD CONSTRAINT k UNIQUE ("idempotencyKey") DEFERRABLE', 'is deferrable'],
    ] as const
    await database.query('DROP INDEX "ChatMessage_idempotencyKey_key"')
    for (const [create, reason] of replacements) {
      if (create !== undefined) await database.query(create)
      const run = await serve()
      expect(run).toMatchObject({ exitCode: 1, stdout: '' })
      expect(run.stderr).toContain(reason)
      expect(run.stderr).toContain('hint: chatkeep migrate')
      await database.query('ALTER TABLE "ChatMessage" DROP CONSTRAINT IF EXISTS k')
      await database.query('DROP INDEX IF EXISTS k')
    }
    await database.query('CREATE UNIQUE INDEX k ON "ChatMessage" ("idempotencyKey")')
    for (const [state, reason] of [
      ['indisvalid', 'is INVALID'],
      ['indisready', 'is not ready'],
    ] as const) {
      await database.query(`UPDATE pg_index SET ${state} = false WHERE indexrelid = 'k'::regclass`)
      expect((await serve()).stderr).toContain(`the index "k" on "ChatMessage"."idempotencyKey" ${reason}`)
    }
  })

  databaseTest('as a role that may not keep messages', async ({ database }) => {
    await withoutMessages(database)
    await withLimitedRole(database, async ({ name, url }) => {
      await database.query(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${name}`)
      const run = await runChatkeep(['serve', '--port', '0', '--database-url', url])
      expect(run).toMatchObject({ exitCode: 3, stdout: '' })
      expect(run.stderr).toContain('INSERT, UPDATE on table "ChatMessage"')
      expect(run.stderr).toContain('hint: in psql: GRANT ')
    })
  })
})
