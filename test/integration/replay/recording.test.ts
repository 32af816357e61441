import { readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createRecorder } from '../../../src/transcripts/recorder.js'
import { migrated, on, withStore } from '../../support/chat.js'
import { createDatabase, describe, expect, test } from '../../support/database.js'
import { expectOk, withChat } from '../../support/socket-chat.js'
import { writeInput } from '../../support/transcript.js'

const ROWS = `SELECT "sessionId", "createdAt", "senderType", "operatorId", "messageType", "text", "imageUrl", "imageName",
    "mimeType", "guestUsername", "guestPhone", "clientSocketId", "idempotencyKey"
  FROM "ChatMessage" ORDER BY "id"`

describe('a recording of a chat server', () => {
  test('has answers to a client without guest name as they are stored', async ({ database }) => {
    await migrated(database)
    await database.query(`INSERT INTO "Client" ("username", "updatedAt") VALUES ('lib', now())`)
    await withStore(database, (store) =>
      store.saveChatMessage({ clientId: 1, senderType: 'CLIENT', messageType: 'TEXT', text: 'Hola' }),
    )
    const path = join(dirname(await writeInput('')), 'recording')
    const recorder = await createRecorder({ path, onStopped: (message) => expect.fail(message) })
    await withChat(database, { recorder }, async ({ operator }) => {
      const anna = await operator('Anna', undefined)
      expectOk(await anna.ask('operatorMessage', { to: 'client-1', type: 'text', message: 'Yes?', messageId: 'a1' }))
    })
    await recorder.close()
    const checked = await on(database, 'replay', path, '--check-only')
    expect([checked.exitCode, checked.stdout], checked.stderr).toEqual([0, expect.stringContaining('1 found')])
    const other = await createDatabase()
    try {
      await migrated(other.database)
      expect((await on(other.database, 'replay', path)).exitCode).toBe(0)
      const stored = `SELECT "text", "guestUsername", "sessionId" FROM "ChatMessage" WHERE "senderType" = 'OPERATOR'`
      expect(await other.database.query(stored)).toEqual(await database.query(stored))
      expect(await other.database.query('SELECT FROM "Client"')).toEqual([])
    } finally {
      await other.close()
      await other.drop()
    }
  })

  test('replays into another database as the same conversations, and differs from a recording that lacks a message', async ({
    database,
  }) => {
    await migrated(database, 'crm-before')
    await database.query('TRUNCATE "ChatMessage"')
    const path = join(dirname(await writeInput('')), 'recording')
    const stops: string[] = []
    const recorder = await createRecorder({ path, onStopped: (message) => stops.push(message) })
    await withChat(database, { recorder }, async ({ guest, operator }) => {
      const maria = await guest('maria', { phone: '+34 600' })
      const anna = await operator('Anna', 1)
      await maria.ask('clientMessage', { type: 'text', message: 'Hola', messageId: 'm1' })
      await maria.ask('clientMessage', { type: 'text', message: 'Hola', messageId: 'm1' })
      await maria.ask('clientMessage', {
        type: 'image',
        image: 'data:image/png;base64,AA',
        name: 'a',
        mimeType: 'image/png',
      })
      await anna.ask('operatorMessage', {
        to: maria.clientId,
        type: 'text',
        message: 'Yes?',
        operatorId: 1,
        operatorName: 'Anna',
      })
      await maria.ask('clientMessage', { type: 'text', message: '' })
    })
    await recorder.close()
    expect(stops).toEqual([])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const next = await createRecorder({ path, onStopped: () => undefined })
    expect(next.path).toBe(`${path}.1`)
    await next.close()

    const other = await createDatabase()
    try {
      await migrated(other.database, 'crm-before')
      await other.database.query('TRUNCATE "ChatMessage"')
      const missing = await on(other.database, 'replay', path, '--check-only')
      expect(missing.stdout).toContain('3 messages compared, 0 found; 0 rejected, 3 lost')
      expect(missing.stdout).toContain(`Next: store what is missing, and nothing twice: chatkeep replay ${path}`)
      const { stdout, exitCode } = await on(other.database, 'replay', path)
      expect(stdout).toContain('3 messages attempted, 3 saved')
      expect(exitCode).toBe(0)
      expect(await other.database.query(ROWS)).toEqual(await database.query(ROWS))
      for (const one of [database, other.database]) {
        expect((await on(one, 'replay', path, '--check-only')).exitCode).toBe(0)
      }
      const columns = `"createdAt", "clientId", "clientSocketId", "senderType", "operatorId", "messageType", "text", "sessionId", "guestUsername"`
      await other.database.query(`INSERT INTO "ChatMessage" (${columns}, "idempotencyKey")
        SELECT ${columns}, 'another key' FROM "ChatMessage" WHERE "text" = 'Hola'`)
      const twice = await on(other.database, 'replay', path, '--check-only')
      expect(twice.stdout).toContain('3 messages compared, 3 found; 0 rejected, 0 lost, 1 doubled')
      expect(twice.exitCode).toBe(1)
      await other.database.query(`DELETE FROM "ChatMessage" WHERE "idempotencyKey" = 'another key'`)
      expect((await on(other.database, 'replay', path, '--through', 'socket')).stdout).toContain('3 saved')
      expect((await on(other.database, 'replay', path, '--through', 'socket', '--check-only')).exitCode).toBe(0)
    } finally {
      await other.close()
      await other.drop()
    }

    const cut = (await readFile(path, 'utf8')).split('\n').slice(0, 3).join('\n')
    await writeFile(path, cut)
    const refused = await on(database, 'replay', path)
    expect(refused.exitCode).toBe(1)
    expect(refused.stderr).toContain('has no footer')
    const accepted = await on(database, 'replay', path, '--accept-truncated')
    expect(accepted.stdout).toContain('the transcript is truncated')
    expect(accepted.stdout).toContain('2 messages attempted, 0 saved, 2 duplicates')
  })
})
