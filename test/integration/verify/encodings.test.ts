import pg from 'pg'
import { createChatStore, type ChatStore, type NewChatMessage } from '../../../src/index.js'
import { runChatkeep, type Run } from '../../support/chatkeep.js'
import {
  administer,
  afterAll,
  beforeAll,
  databaseNamed,
  describe,
  expect,
  test,
  type TestDatabase,
} from '../../support/database.js'
import { transcriptLine, writeInput } from '../../support/transcript.js'

/** A migrated database in an encoding of its own, for the tests of one block. */
const inEncoding = (encoding: string) => {
  const name = `chatkeep_test_${encoding.toLowerCase()}_${process.pid}`
  const { database, close } = databaseNamed(name)
  beforeAll(async () => {
    await administer((client) =>
      client.query(`CREATE DATABASE ${name} ENCODING '${encoding}' LOCALE 'C' TEMPLATE template0`),
    )
    await database.load('REVOKE CREATE ON SCHEMA public FROM PUBLIC')
    const { exitCode, stderr } = await on(database, 'migrate', '--create-tables')
    expect(stderr).toContain(`note     the database is encoded in ${encoding}, not in UTF8`)
    expect(exitCode).toBe(0)
  })
  afterAll(async () => {
    await close()
    await administer((client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))
  })
  return database
}

const on = ({ url }: TestDatabase, ...argv: readonly string[]): Promise<Run> =>
  runChatkeep(argv, { env: { DATABASE_URL: url } })

const saveAll = async (database: TestDatabase, messages: readonly Partial<NewChatMessage>[]) => {
  const store = createChatStore({ databaseUrl: database.url })
  try {
    return await Promise.allSettled(messages.map((message) => store.saveChatMessage({ ...PLAIN, ...message })))
  } finally {
    await store.close()
  }
}

const PLAIN: NewChatMessage = {
  senderType: 'CLIENT',
  messageType: 'TEXT',
  guestUsername: 'jos\u00e9',
  text: 'caf\u00e9',
}

const REFUSED = {
  status: 'rejected',
  reason: { code: 'character_not_storable', sqlState: '22P05', blames: 'message', retryable: false, exitCode: 1 },
}

describe('a database in LATIN1', () => {
  const database = inEncoding('LATIN1')

  test('refuses the message with a character that it lacks, in any field, and keeps its neighbours', async () => {
    const bad: readonly Partial<NewChatMessage>[] = [
      { text: '5 \u20ac' },
      { guestUsername: '\u0141ukasz' },
      { guestUsername: '\u0416\u0443\u043a\u043e\u0432' },
      { guestPhone: '\u0660' },
      { sessionId: '\u4f1a' },
      { clientSocketId: '\u4f1a' },
      { idempotencyKey: '\u4f1a' },
      { messageType: 'IMAGE', imageUrl: 'data:image/png;base64,', imageName: '\u{1f600}.png' },
      { mimeType: '\u4f1a' },
      { text: 'before\0after' },
    ]
    const outcomes = await saveAll(database, [PLAIN, ...bad.flatMap((one) => [one, PLAIN])])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', ...bad.flatMap(() => ['rejected', 'fulfilled'])])
    for (const one of outcomes) if (one.status === 'rejected') expect(one).toMatchObject(REFUSED)
    const rows = await database.query(
      `SELECT count(*)::integer AS "messages", count(DISTINCT "clientId")::integer AS "clients" FROM "ChatMessage" WHERE "text" = $1`,
      ['caf\u00e9'],
    )
    expect(rows).toEqual([{ messages: bad.length + 1, clients: 1 }])
    expect(await database.query('SELECT "username" FROM "Client"')).toEqual([{ username: 'jos\u00e9' }])
  })

  test('has nobody of a name with a character that it lacks', async () => {
    await using store = createChatStore({ databaseUrl: database.url })
    await expect(store.getChatHistory({ guestUsername: '\u20ac' })).rejects.toMatchObject({
      ...{ code: 'character_not_storable', sqlState: '22P05', blames: 'message' },
      message: expect.stringContaining('the encoding of the database lacks a character') as string,
    })
  })

  test.for(['store', 'socket'])('keeps all other messages of a transcript, through the %s', async (through) => {
    const lines = [
      transcriptLine({ conversation: `${through}1`, username: 'ana', text: 'plain' }),
      transcriptLine({ conversation: `${through}2`, username: '\u0141ukasz', text: 'hello' }),
      transcriptLine({ conversation: `${through}3`, username: 'ana', text: '5 \u20ac' }),
      transcriptLine({
        conversation: `${through}1`,
        from: 'operator',
        operator: '\u0141ukasz',
        username: 'ana',
        text: 'bye',
      }),
    ]
    const file = await writeInput(lines.join('\n'))
    const { exitCode, stdout } = await on(database, 'replay', file, '--through', through)
    expect(stdout).toContain('4 messages attempted, 2 saved, 0 duplicates; 2 rejected, 0 lost, 0 doubled, 0 unexpected')
    expect(stdout).toMatch(/line 2: .*\n {2}line 3: /)
    expect(exitCode).toBe(1)
    const compared = await on(database, 'replay', file, '--through', through, '--check-only')
    expect(compared.stdout).toContain('2 lost')
    expect(compared.exitCode).toBe(1)
  })

  test('is found by verify, its probe and the start of a server', async () => {
    const verified = await on(database, 'verify', '--json', '--probe')
    expect(verified.exitCode).toBe(1)
    expect(JSON.parse(verified.stdout)).toMatchObject({
      findings: expect.arrayContaining([
        expect.objectContaining({ code: 'encoding_not_utf8', severity: 'error' }),
        expect.objectContaining({ code: 'probe_refused', sqlState: '22P05' }),
      ]) as unknown,
    })
    const served = await on(database, 'serve', '--port', '0')
    expect(served.stderr).toContain(`error: ${database.name} is encoded in LATIN1, not in UTF8`)
    expect(served.stderr).toContain(`CREATE DATABASE "${database.name}_utf8" ENCODING 'UTF8' TEMPLATE template0;`)
    expect(served.exitCode).toBe(1)
  })

  test('is reconciled and rolled back, names unchanged', async () => {
    await database.load(
      `INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType", "text", "createdAt")
       VALUES ('Zo\u00eb', 'CLIENT', 'TEXT', '\u00a3', now())`,
    )
    const [counted, linked] = [await on(database, 'reconcile', '--dry-run'), await on(database, 'reconcile')]
    expect([counted.exitCode, linked.exitCode]).toEqual([0, 0])
    const before = await database.query(GUESTS)
    expect((await on(database, 'rollback', '--confirm', database.name)).exitCode).toBe(0)
    expect((await on(database, 'verify', '--expect', 'rolled-back')).exitCode).toBe(0)
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    expect(await database.query(GUESTS)).toEqual(before)
  })
})

const GUESTS = `
  SELECT m."id", m."guestUsername", m."idempotencyKey", c."username"
  FROM "ChatMessage" AS m LEFT JOIN "Client" AS c ON c."id" = m."clientId"
  ORDER BY m."id"`

describe('a database in SQL_ASCII', () => {
  const database = inEncoding('SQL_ASCII')

  test('keeps every character, and is a warning', async () => {
    const [saved] = await saveAll(database, [
      { guestUsername: '\u0141ukasz', text: '5 \u20ac \u{1f600}', sessionId: '\u4f1a' },
    ])
    expect(saved).toMatchObject({ status: 'fulfilled' })
    expect(await read(database, (store) => store.getChatHistory({ guestUsername: '\u0141ukasz' }))).toMatchObject({
      messages: [{ guestUsername: '\u0141ukasz', text: '5 \u20ac \u{1f600}', sessionId: '\u4f1a' }],
    })
    const { exitCode, stdout } = await on(database, 'verify', '--json', '--probe')
    expect(JSON.parse(stdout)).toMatchObject({
      findings: expect.arrayContaining([
        expect.objectContaining({ code: 'encoding_not_utf8', severity: 'warning' }),
      ]) as unknown,
    })
    expect(exitCode).toBe(0)
    const started = await on(database, 'serve', '--port', '0', '--host', '192.0.2.1', '--json')
    expect(started.stderr).toContain('"event":"encoding_unchecked"')
  })

  test('does not read a row in another encoding as something else, and costs no other chat anything', async () => {
    const bytes = new pg.Client({ connectionString: database.url })
    await bytes.connect()
    await bytes.query(
      String.raw`SET client_encoding = 'SQL_ASCII';
      INSERT INTO "ChatMessage" ("guestUsername", "sessionId", "senderType", "messageType", "text", "createdAt")
      VALUES ('carl', 'other', 'CLIENT', 'TEXT', E'caf\xe9 x', now())`,
    )
    await bytes.end()
    await expect(read(database, (store) => store.getChatHistory({ sessionId: 'other' }))).rejects.toMatchObject({
      code: 'database_refused',
      sqlState: '22021',
      hint: expect.stringContaining('chatkeep explain encoding_not_utf8') as unknown,
    })
    const file = await writeInput(transcriptLine({ conversation: 'next', text: '5 \u20ac' }))
    expect((await on(database, 'replay', file)).exitCode).toBe(0)
  })
})

const read = async <T>(database: TestDatabase, work: (store: ChatStore) => Promise<T>): Promise<T> => {
  const store = createChatStore({ databaseUrl: database.url })
  return work(store).finally(() => store.close())
}

describe('a database in WIN1252', () => {
  const database = inEncoding('WIN1252')

  test('has a row with a byte that UTF8 lacks, which is no fault of the caller', async () => {
    const bytes = new pg.Client({ connectionString: database.url })
    await bytes.connect()
    await bytes.query(
      String.raw`SET client_encoding = 'WIN1252';
      INSERT INTO "Client" ("username", "updatedAt") VALUES (E'carl\x81', now());
      INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text", "createdAt")
      SELECT "id", 'CLIENT', 'TEXT', E'caf\x81', now() FROM "Client"`,
    )
    await bytes.end()
    const calls: readonly ((store: ChatStore) => Promise<unknown>)[] = [
      (store) => store.getRecentChats(),
      (store) => store.getChatHistory({ clientId: 1 }),
    ]
    for (const call of calls)
      await expect(read(database, call)).rejects.toMatchObject({
        ...{ code: 'database_refused', sqlState: '22P05', blames: 'database' },
        hint: expect.stringContaining('client_encoding') as string,
      })
  })
})
