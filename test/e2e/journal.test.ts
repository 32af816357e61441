import type { ChildProcess } from 'node:child_process'
import { appendFile, copyFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startChatkeep, whenEnded, type Ended } from '../support/chatkeep-process.js'
import { withProxy } from '../support/cuttable-proxy.js'
import { afterEach, beforeEach, expect, test, type TestDatabase } from '../support/database.js'
import { connectTo, withoutMessages, type Ack } from '../support/socket-chat.js'
import { until } from '../support/until.js'

let folder = ''
const children: ChildProcess[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatkeep-journal-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(folder, { recursive: true })
})

interface Served {
  readonly port: number
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  readonly stderr: () => string
}

const serve = async (databaseUrl: string, journal: string): Promise<Served> => {
  const unlimited = ['--events-per-second', '0']
  const child = startChatkeep([
    'serve',
    '--port',
    '0',
    ...unlimited,
    '--journal',
    journal,
    '--database-url',
    databaseUrl,
  ])
  children.push(child)
  let printed = ''
  let stderr = ''
  child.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const ended = whenEnded(child)
  await until(() => expect(printed + stderr).toContain('listening on'), { what: 'the server listens' })
  return { port: Number(/:(\d+)\/chat/.exec(printed)?.[1]), child, ended, stderr: () => stderr }
}

/** Sends numbered messages, one after another, until the server is gone; resolves to the numbers that were answered. */
const writeUntilGone = async (port: number, username: string, onAnswer: () => void): Promise<readonly string[]> => {
  const socket = await connectTo(port)
  const answered: string[] = []
  try {
    await socket.emitWithAck('join', { role: 'client', username })
    for (let number = 1; ; number += 1) {
      const message = { type: 'text', message: String(number), messageId: String(number) }
      const ack = (await socket.timeout(10_000).emitWithAck('clientMessage', message)) as Ack
      expect(ack).toMatchObject({ ok: true })
      answered.push(String(number))
      onAnswer()
    }
  } catch (error) {
    expect(socket.connected, String(error)).toBe(false)
    return answered
  } finally {
    socket.disconnect()
  }
}

const textsOf = async (database: TestDatabase, username: string): Promise<readonly unknown[]> => {
  const rows = await database.query('SELECT "text" FROM "ChatMessage" WHERE "guestUsername" = $1 ORDER BY "id"', [
    username,
  ])
  return rows.map((row) => row.text)
}

const GUESTS = ['ana', 'ben', 'cem', 'dia']

test('what was answered as queued outlives kill -9; the next server and replay bring it in at the same time, once and in order', async ({
  database,
}) => {
  await withoutMessages(database)
  const journal = join(folder, 'chat.journal')
  await withProxy(database.url, async (proxy) => {
    const first = await serve(proxy.url, journal)
    proxy.pointAt('postgres://127.0.0.1:1/crm')
    proxy.cut()

    let answers = 0
    const writing = GUESTS.map((guest) => writeUntilGone(first.port, guest, () => (answers += 1)))
    await until(() => answers > 200, { what: 'more than 200 answers', intervalMs: 5 })
    first.child.kill('SIGKILL')
    const answered = await Promise.all(writing)
    await first.ended
    await appendFile(journal, '{"type":"message","seq":')
    await copyFile(journal, join(folder, 'copy'))

    proxy.pointAt(database.url)
    const [second, replayed] = await Promise.all([
      serve(proxy.url, journal),
      whenEnded(startChatkeep(['replay', journal, '--json', '--database-url', database.url])),
    ])
    expect(replayed.code, replayed.stdout).toBe(0)
    expect(JSON.parse(replayed.stdout)).toMatchObject({ ok: true, lost: 0, doubled: 0, altered: 0, rejected: 0 })
    await until(async () => (await stat(journal)).size < 300, { what: 'the journal is drained' })
    expect(second.stderr()).toContain('the last line of the journal was incomplete')
    for (const [index, guest] of GUESTS.entries()) {
      const texts = await textsOf(database, guest)
      expect(texts).toEqual(Array.from(texts, (_, number) => String(number + 1)))
      expect(texts.length).toBeGreaterThanOrEqual(answered[index]?.length ?? 0)
    }
    const before = await database.query('SELECT count(*) FROM "ChatMessage"')

    // Alone, and again: duplicates only, and the file stays as it is.
    const copy = await readFile(join(folder, 'copy'))
    const again = await whenEnded(startChatkeep(['replay', join(folder, 'copy'), '--database-url', database.url]))
    expect(again.stdout).toMatch(/^attempted +(\d+)\nsaved +0\nduplicates +\1\n/)
    expect(again.stdout).toContain('ok: all ')
    expect(await readFile(join(folder, 'copy'))).toEqual(copy)
    expect(await database.query('SELECT count(*) FROM "ChatMessage"')).toEqual(before)
    // With its line feed the last line was whole once, so nobody may say that all is well.
    await appendFile(join(folder, 'copy'), '\n')
    const damaged = await whenEnded(startChatkeep(['replay', join(folder, 'copy'), '--database-url', database.url]))
    expect(damaged.code).toBe(1)
    expect(damaged.stdout).toContain('its sender may have been told that the message is queued')
    const argv = ['replay', join(folder, 'copy'), '--through', 'socket', '--database-url', database.url]
    expect(await whenEnded(startChatkeep(argv))).toMatchObject({ code: 2 })

    const other = startChatkeep(['serve', '--port', '0', '--journal', journal, '--database-url', database.url])
    expect(await whenEnded(other)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('another process on this machine (') as string,
    })

    // Told to stop while messages wait, it says how many and what to type.
    proxy.pointAt('postgres://127.0.0.1:1/crm')
    proxy.cut()
    const eva = await connectTo(second.port)
    await eva.emitWithAck('join', { role: 'client', username: 'eva' })
    expect(await eva.emitWithAck('clientMessage', { type: 'text', message: 'wait' })).toMatchObject({ queued: true })
    second.child.kill('SIGTERM')
    const end = await second.ended
    eva.disconnect()
    expect(end.code).toBe(0)
    expect(end.stderr).toContain(
      `"messages":1,"journal":"${journal}","text":"the journal still has messages to store: start the server with it again, or run: chatkeep replay ${journal}"`,
    )
    const last = await whenEnded(startChatkeep(['replay', journal, '--database-url', database.url]))
    expect(last.code, last.stdout + last.stderr).toBe(0)
    expect(await textsOf(database, 'eva')).toEqual(['wait'])
  })
})
