import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { startChatkeep, whenEnded } from '../support/chatkeep-process.js'
import { expect, test, type TestDatabase } from '../support/database.js'
import { connectTo, untilWaiting, whileBlocked, withoutMessages, type Ack } from '../support/socket-chat.js'
import { until } from '../support/until.js'

const serve = async (database: TestDatabase) => {
  await withoutMessages(database)
  const child = startChatkeep(['serve', '--port', '0', '--database-url', database.url])
  const ended = whenEnded(child)
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer]
  const port = Number(/:(\d+)\/chat\n$/.exec(line.toString())?.[1])
  const guest = await connectTo(port)
  await guest.emitWithAck('join', { role: 'client', username: 'ana' })
  const send = (message: string) =>
    guest.emitWithAck('clientMessage', { type: 'text', message, messageId: message }) as Promise<Ack>
  return { child, ended, port, guest, send }
}

test('SIGTERM lets 50 messages in flight be acknowledged, and one that comes then, and exits with 0', async ({
  database,
}) => {
  const { child, ended, port, send } = await serve(database)
  // Whoever started it may stop reading: `chatkeep serve | head -1`.
  child.stdout?.destroy()
  await whileBlocked(database, async (release) => {
    const underWay = Array.from({ length: 50 }, (_, number) => send(`message ${number}`))
    await untilWaiting(database, 1)
    child.kill('SIGTERM')
    const probe = async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).status
    await until(async () => (await probe()) === 503, { what: '/healthz says 503' })
    underWay.push(send('late'))
    await expect(connectTo(port, 'polling')).rejects.toMatchObject({ context: { status: 403 } })
    await release()
    expect((await Promise.all(underWay)).map(({ ok }) => ok)).toEqual(underWay.map(() => true))
  })
  expect(await ended).toMatchObject({ code: 0, signal: null })
  expect(await database.query('SELECT count(*)::integer FROM "ChatMessage"')).toEqual([{ count: 51 }])
})

test('a second SIGTERM ends it at once, and what was not acknowledged may be sent again', async ({ database }) => {
  const { child, ended, guest, send } = await serve(database)
  const cut = new Promise((resolve) => guest.once('disconnect', resolve))
  await whileBlocked(database, async () => {
    void send('never answered').catch(() => undefined)
    await untilWaiting(database, 1)
    child.kill('SIGTERM')
    // Two signals within half a second count as one wish.
    await delay(600)
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 143 })
  })
  await cut
})
