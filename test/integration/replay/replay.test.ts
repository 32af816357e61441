import { execFileSync, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { ExitCode, OperatorError } from '../../../src/errors.js'
import { checksum, migrated, on } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { holdMessage } from '../../support/held-message.js'
import { manyLines, SHOP, SHOP_MESSAGES, transcriptLine, writeInput } from '../../support/transcript.js'

const countMessages = async (database: TestDatabase): Promise<number> => {
  const [row] = await database.query<{ count: number }>('SELECT count(*)::integer FROM "ChatMessage"')
  return row?.count ?? 0
}

describe('a transcript', () => {
  test('is saved whole: who, what, when, in which conversation', async ({ database }) => {
    await migrated(database)
    await database.query(
      `INSERT INTO "User" ("updatedAt", "name", "username", "passwordHash") VALUES (now(), 'Lucía', 'lucia', '')`,
    )
    const { exitCode, stdout } = await on(database, 'replay', SHOP)

    expect(stdout).toContain('ok: 14 messages attempted, 14 saved, 0 duplicates; nothing lost, doubled or unexpected')
    expect(exitCode).toBe(0)
    const rows = await database.query(
      `SELECT to_char(m."createdAt", 'HH24:MI:SS.MS') AS "at", m."sessionId", m."senderType", m."guestUsername",
         m."guestPhone", m."operatorId", m."messageType", m."text", c."username"
       FROM "ChatMessage" m JOIN "Client" c ON c."id" = m."clientId"
       WHERE m."sessionId" IN ('lamp', 'nul', 'tea')
       ORDER BY m."createdAt"`,
    )
    const text = { messageType: 'TEXT', operatorId: null, guestPhone: null }
    const ana = {
      ...text,
      sessionId: 'lamp',
      guestUsername: 'ana pérez',
      username: 'ana pérez',
      guestPhone: '+34 600 000 001',
    }
    const kettle = { ...text, sessionId: 'tea', guestUsername: '[kettle]\\"quoted"', username: '[kettle]\\"quoted"' }
    const nul = { ...text, sessionId: 'nul', guestUsername: 'nul\ufffdname', username: 'nul\ufffdname' }
    expect(rows).toEqual([
      { ...ana, at: '09:00:00.000', senderType: 'CLIENT', text: 'Hola, ¿la lámpara azul viene con bombilla?' },
      { ...ana, at: '09:00:05.000', senderType: 'OPERATOR', operatorId: 1, text: 'Sí, con una LED de 9 W.' },
      { ...kettle, at: '09:00:09.000', senderType: 'CLIENT', text: 'does it fit\n\ttwo cups?' },
      { ...kettle, at: '09:00:11.000', senderType: 'OPERATOR', text: 'Yes.' },
      { ...kettle, at: '09:00:12.000', senderType: 'OPERATOR', text: 'One moment.' },
      { ...ana, at: '09:00:15.000', senderType: 'CLIENT', text: 'Gracias 👩‍👩‍👧' },
      { ...nul, at: '09:00:20.000', senderType: 'CLIENT', text: 'before\ufffdafter \ufffd end' },
    ])
  })

  test('is saved once, however often it is replayed', async ({ database }) => {
    await migrated(database)
    await on(database, 'replay', SHOP)
    const before = await checksum(database, 'ChatMessage')
    const { exitCode, stdout } = await on(database, 'replay', SHOP)
    expect(stdout).toContain('ok: 14 messages attempted, 0 saved, 14 duplicates')
    expect(exitCode).toBe(0)
    expect(await checksum(database, 'ChatMessage')).toEqual(before)
  })

  test('keeps its twins, and its order inside each conversation', async ({ database }) => {
    await migrated(database)
    const lines = Array.from({ length: 600 }, (_, index) =>
      transcriptLine({ conversation: `c${index % 7}`, text: `${Math.floor(index / 70)}`, username: `u${index % 7}` }),
    )
    const { stdout } = await on(database, 'replay', await writeInput(lines.join('\n')))
    expect(stdout).toContain('600 saved')
    const conversations = await database.query<{ texts: string[] }>(
      'SELECT array_agg("text" ORDER BY "id") AS "texts" FROM "ChatMessage" GROUP BY "sessionId"',
    )
    expect(conversations).toHaveLength(7)
    for (const { texts } of conversations) expect(texts).toEqual(texts.toSorted((a, b) => Number(a) - Number(b)))
  })

  test('is found to be gzip by its content, not by its name', async ({ database }) => {
    await migrated(database)
    const path = await writeInput(gzipSync(await readFile(SHOP)), 'plain.ndjson')
    expect((await on(database, 'replay', path)).stdout).toContain('14 saved')
    const plain = await writeInput(await readFile(SHOP), 'not-compressed.gz')
    expect((await on(database, 'replay', plain)).stdout).toContain('14 duplicates')
  })

  test('comes through standard input or a named pipe as well', async ({ database }) => {
    await migrated(database)
    const argv = ['replay', '-', '--database-url', database.url]
    const piped = await runChatkeep(argv, { stdin: await readFile(SHOP, 'utf8') })
    expect(piped.stdout).toContain('14 saved')
    expect(piped.stderr).toContain('replaying stdin into')

    const pipe = join(dirname(await writeInput('')), 'pipe')
    execFileSync('mkfifo', [pipe])
    const writer = spawn('sh', ['-c', 'cat "$0" > "$1"', SHOP, pipe])
    expect((await on(database, 'replay', pipe)).stdout).toContain('14 duplicates')
    expect(writer.exitCode ?? 0).toBe(0)
  })

  test('is answered for programs in one document, and with no other word', async ({ database }) => {
    await migrated(database)
    const path = await writeInput(`${transcriptLine()}\nnonsense\n${transcriptLine()}\n`)
    const { exitCode, stdout, stderr } = await on(database, 'replay', path, '--json')
    expect(stderr).toBe('')
    expect(exitCode).toBe(1)
    expect(JSON.parse(stdout)).toEqual({
      ok: false,
      command: 'replay',
      transcript: path,
      through: 'store',
      url: null,
      target: expect.stringContaining(database.name) as string,
      attempted: 3,
      saved: 2,
      duplicates: 0,
      rejected: 1,
      lost: 0,
      doubled: 0,
      unexpected: 0,
      altered: 0,
      outOfOrder: 0,
      doubledClients: 0,
      withoutClient: 0,
      edited: 0,
      deleted: 0,
      recovered: 0,
      outcomes: { ok: 2, fail: 0, info: 0 },
      verdict: 'failed',
      sendMs: expect.any(Number) as number,
      readBackMs: expect.any(Number) as number,
      messagesPerSecond: expect.any(Number) as number,
      rejectedLines: [{ line: 2, reason: 'is not valid JSON' }],
      lostLines: [],
      doubledMessages: [],
      unexpectedRows: [],
      alteredRows: [],
      outOfOrderMessages: [],
      doubledClientIds: [],
    })
  })
})

describe('lines that hold no message', () => {
  test('are rejected by their numbers, and the others are saved', async ({ database }) => {
    await migrated(database)
    const path = await writeInput(
      [
        transcriptLine({ text: 'first' }),
        '{"at":',
        '',
        transcriptLine({ username: '', text: 5, from: 'bot' }),
        transcriptLine({ text: 'x'.repeat(33_554_433) }),
        transcriptLine({ text: 'last' }),
        transcriptLine().slice(0, 20),
      ].join('\r\n'),
    )
    const { exitCode, stdout } = await on(database, 'replay', path)
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/^attempted +6\nsaved +2\nduplicates +0\nrejected +4\nlost +0\n/)
    expect(stdout).toContain(`rejected:
  line 2: is not valid JSON
  line 4: from must be "client" or "operator"; text must be a string; username is empty
  line 5: text is larger than 33554432 bytes: it has 33554433
  line 7: is truncated: the input ends in the middle of it

FAIL: 6 messages attempted, 2 saved, 0 duplicates; 4 rejected, 0 lost, 0 doubled, 0 unexpected`)
    expect(await database.query('SELECT "text" FROM "ChatMessage" ORDER BY "id"')).toEqual([
      { text: 'first' },
      { text: 'last' },
    ])
  })

  test('do not push the verdict off the screen', async ({ database }) => {
    await migrated(database)
    const { stdout } = await on(database, 'replay', await writeInput('{nonsense\n'.repeat(500)))
    expect(stdout.split('\n').length).toBeLessThan(40)
    expect(stdout).toContain('  line 20: is not valid JSON\n  … and 480 more')
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^FAIL: 500 messages attempted/)
  })

  test('are those that the database refuses, too', async ({ database }) => {
    await migrated(database)
    await database.query(`ALTER TABLE "ChatMessage" ADD CONSTRAINT "polite" CHECK ("text" <> 'rude')`)
    const lines = ['polite', 'rude', 'thanks'].map((text) => transcriptLine({ text }))
    const { exitCode, stdout } = await on(database, 'replay', await writeInput(lines.join('\n')))
    expect(exitCode).toBe(1)
    expect(stdout).toContain('new row for relation "ChatMessage" violates check constraint')
    expect(stdout).toContain('2 saved, 0 duplicates; 1 rejected, 0 lost')
  })

  test.for<[string, string]>([
    ['nothing at all', ''],
    ['blank lines only', '\n\r\n  \n'],
  ])('make no smoke test: %s', async ([, content], { database }) => {
    await migrated(database)
    const { exitCode, stderr } = await on(database, 'replay', await writeInput(content, 'empty.ndjson'))
    expect(exitCode).toBe(2)
    expect(stderr).toContain('empty.ndjson contains no message')
  })
})

describe('what cannot be read as a transcript', () => {
  test('is named when it is not a file', async ({ database }) => {
    const path = await writeInput('')
    const missing = await on(database, 'replay', `${path}-missing`)
    expect([missing.exitCode, missing.stderr]).toEqual([2, expect.stringContaining('no such file or folder')])
    const folder = await on(database, 'replay', dirname(path))
    expect([folder.exitCode, folder.stderr]).toEqual([2, expect.stringContaining('is a folder, not a transcript')])
    const device = await on(database, 'replay', '/dev/null')
    expect([device.exitCode, device.stderr]).toEqual([2, expect.stringContaining('is a device, not a transcript')])
  })

  test('is refused by the name of its format, and nothing is attempted', async ({ database }) => {
    await migrated(database)
    const path = await writeInput(JSON.stringify([JSON.parse(transcriptLine())]), 'array.json')
    const file = await runChatkeep(['replay', path, '--database-url', database.url, '--json'])
    expect(JSON.parse(file.stdout)).toMatchObject({
      error: {
        code: 'unknown_transcript_format',
        message: `${path} is a JSON array; it cannot be replayed as it is`,
        steps: [
          { text: expect.stringContaining(`jq -c '.[]' ${path} | chatkeep replay - --database-url `) as unknown },
        ],
      },
    })
    const piped = await runChatkeep(['replay', '-', '--check-only'], {
      env: { DATABASE_URL: database.url },
      stdin: 'PK\x03\x04\x14\0\0\0',
    })
    expect(piped.stderr).toContain('error: stdin is a zip archive; it cannot be replayed as it is')
    expect(piped.stderr).toContain('hint: unzip -p FILE | chatkeep replay -\n')
    expect([file.exitCode, piped.exitCode, await countMessages(database)]).toEqual([2, 2, 0])
  })

  test('is recognised when it is UTF-16', async ({ database }) => {
    await migrated(database)
    const path = await writeInput(Buffer.from(`\ufeff${transcriptLine()}\n`, 'utf16le'))
    const { exitCode, stderr } = await on(database, 'replay', path)
    expect(exitCode).toBe(2)
    expect(stderr).toContain('is in UTF-16')
    expect(stderr).toMatch(/hint: iconv -f UTF-16 -t UTF-8 \S+ \| chatkeep replay -\n/)
  })

  test('costs nothing that was sent before its gzip data end too early', async ({ database }) => {
    await migrated(database)
    const compressed = gzipSync(manyLines(3_000))
    const cut = await writeInput(compressed.subarray(0, compressed.length / 2), 'cut.gz')
    const { exitCode, stderr } = await on(database, 'replay', cut)
    expect(exitCode).toBe(1)
    expect(stderr).toContain('cut.gz is truncated: its gzip data ends too early')
    const saved = await countMessages(database)
    expect(saved).toBeGreaterThan(100)
    expect(stderr).toContain(`${saved.toLocaleString('en-US')} saved`)

    const whole = await on(database, 'replay', await writeInput(compressed))
    expect(whole.stdout).toContain(
      `${(3_000 - saved).toLocaleString('en-US')} saved, ${saved.toLocaleString('en-US')} dup`,
    )
  })

  test('is named when its gzip data are damaged', async ({ database }) => {
    await migrated(database)
    const damaged = gzipSync(manyLines(20))
    damaged.fill(0xff, 40, 60)
    const { exitCode, stderr } = await on(database, 'replay', await writeInput(damaged, 'bad.gz'))
    expect(exitCode).toBe(1)
    expect(stderr).toContain('bad.gz is damaged: its gzip data cannot be decompressed')
  })
})

describe('a command line', () => {
  test.for<[string, readonly string[], string]>([
    ['names something to send', [], 'name a transcript, or - for standard input, or --scenario guest-flow'],
    ['names one thing', ['a', '--scenario', 'guest-flow'], 'a transcript and --scenario cannot be combined'],
    ['gives a URL to the socket only', ['a', '--url', 'http://127.0.0.1:1/chat'], '--url needs --through socket'],
    ['keeps what a scenario wrote only', ['a', '--keep'], '--keep is for --scenario'],
    ['puts the transcript before --embedded', ['--embedded', 'a.ndjson'], '--embedded took a.ndjson for its folder'],
    ['knows its ways', ['a', '--through', 'window'], "argument 'window' is invalid"],
  ])('%s', async ([, argv, message]) => {
    const { exitCode, stdout, stderr } = await runChatkeep(['replay', ...argv])
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toContain(message)
  })

  test('is rejected with all its mistakes at once', async () => {
    const { stderr } = await runChatkeep(['replay', 'a', '--url', 'x', '--keep'])
    expect(stderr).toContain('error: --url needs --through socket\n  --keep is for --scenario\n')
  })
})

describe('a run that cannot begin', () => {
  test('is ended before the first line when the database was not migrated', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const before = await checksum(database, 'ChatMessage')
    const { exitCode, stderr } = await on(database, 'replay', SHOP)
    expect(exitCode).toBe(1)
    expect(stderr).toContain('the database is not ready for guest messages')
    expect(stderr).toContain('hint: chatkeep migrate')
    expect(stderr).not.toContain('rejected')
    expect(await checksum(database, 'ChatMessage')).toEqual(before)
  })

  test('says that the database cannot be reached', async () => {
    const { exitCode, stderr } = await runChatkeep(['replay', SHOP, '--database-url', 'postgres://u@127.0.0.1:1/chat'])
    expect(exitCode).toBe(3)
    expect(stderr).toContain('nothing listens there')
  })
})

describe('a run that is stopped', () => {
  test('says how far it came, and goes on from there when it is run again', async ({ database }) => {
    await migrated(database)
    const path = await writeInput(manyLines(9_000))
    const held = await holdMessage(database, 'message 5000')
    const interruption = new AbortController()
    const running = runChatkeep(['replay', path, '--database-url', database.url], { signal: interruption.signal })
    await held.reached()
    interruption.abort(new OperatorError('interrupted', 'ended by SIGTERM', { exitCode: ExitCode.terminated }))
    await held.letGo()

    const { exitCode, stdout, stderr } = await running
    expect([exitCode, stdout]).toEqual([143, ''])
    const saved = await countMessages(database)
    expect(saved).toBeLessThan(9_000)
    const number = saved.toLocaleString('en-US')
    expect(stderr).toContain(
      `stopped after line ${number}: ${number} attempted, ${number} saved, 0 duplicates, 0 rejected`,
    )
    expect(stderr).toContain('run the same command again: nothing is stored twice')

    const again = await on(database, 'replay', path)
    expect(again.stdout).toContain(
      `${(9_000 - saved).toLocaleString('en-US')} saved, ${number} duplicates; nothing lost`,
    )
    expect(await countMessages(database)).toBe(9_000)
  })

  test('has sent nothing while it still reads standard input', async ({ database }) => {
    await migrated(database)
    const interruption = new AbortController()
    interruption.abort(new OperatorError('interrupted', 'ended by SIGINT', { exitCode: ExitCode.interrupted }))
    const argv = ['replay', '-', '--database-url', database.url]
    const { exitCode, stderr } = await runChatkeep(argv, { signal: interruption.signal, stdin: manyLines(10) })
    expect(exitCode).toBe(130)
    expect(stderr).toContain('stopped while reading the input: nothing was sent')
    expect(await countMessages(database)).toBe(0)
  })
})

test('a run that ends in the middle of a batch has counted what the batch has saved', async ({ database }) => {
  await migrated(database)
  await database.load(`
    INSERT INTO "Client" ("updatedAt", "username") VALUES (now(), 'held');
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE 'this message waits for ever' USING ERRCODE = 'lock_not_available'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON "ChatMessage" FOR EACH ROW WHEN (NEW."guestUsername" = 'held') EXECUTE FUNCTION refuse()`)
  const lines = Array.from({ length: 40 }, (_, index) =>
    transcriptLine({ text: `${index}`, conversation: `c${index}`, username: index === 11 ? 'held' : 'maria' }),
  )
  const { exitCode, stderr } = await on(database, 'replay', await writeInput(lines.join('\n')))
  expect(exitCode).toBe(3)
  expect(await countMessages(database)).toBe(39)
  expect(stderr).toContain('40 attempted, 39 saved, 0 duplicates, 0 rejected')
})

test('two runs of the same transcript at the same time save it once', async ({ database }) => {
  await migrated(database)
  const path = await writeInput(manyLines(400))
  const runs = await Promise.all([1, 2, 3].map(() => on(database, 'replay', path, '--json')))
  const reports = runs.map(({ stdout }) => JSON.parse(stdout) as { ok: boolean; saved: number; duplicates: number })
  expect(reports.map(({ ok }) => ok)).toEqual([true, true, true])
  expect(reports.reduce((sum, { saved }) => sum + saved, 0)).toBe(400)
  expect(await countMessages(database)).toBe(400)
})

test(`the shop's transcript has as many lines as the tests believe`, async () => {
  expect((await readFile(SHOP, 'utf8')).trimEnd().split('\n')).toHaveLength(SHOP_MESSAGES)
})
