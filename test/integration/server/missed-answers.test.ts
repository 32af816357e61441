import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseDatabaseUrl, toConnectionTarget } from '../../../src/database/connection-target.js'
import { addOperator } from '../../../src/server/operators/add-operator.js'
import { expect, test as databaseTest, type TestDatabase } from '../../support/database.js'
import { expectOk, test, withChat, withoutMessages, type Peer, type TestChat } from '../../support/socket-chat.js'
import { until } from '../../support/until.js'
import { settled, whileAway, withWidget, type Widget } from '../../support/widget.js'

const answer = async (operator: Peer, to: string, ...messages: readonly string[]): Promise<void> => {
  for (const message of messages) expectOk(await operator.ask('operatorMessage', { to, type: 'text', message }))
}

for (const transport of ['websocket', 'polling'] as const)
  for (const hasToken of [false, true])
    test(`shows once what came while the widget was away (${transport}, ${hasToken ? 'with' : 'without'} a token)`, async ({
      chat,
    }) => {
      const lucia = await chat.operator('Lucía', 1)
      const token = hasToken ? (await chat.guest('ana')).token : undefined
      await withWidget(chat.server.port, { transport, ...(token === undefined ? {} : { token }) }, async (widget) => {
        const conversation = widget.clientId()
        await answer(lucia, conversation, '1')
        await widget.shows('1')
        await whileAway(widget, () => answer(lucia, conversation, '2', '3'))
        await widget.shows('1', '2', '3')
        expect(widget.clientId()).toBe(conversation)
        await answer(lucia, conversation, '4')
        await whileAway(widget, () => Promise.resolve())
        await whileAway(widget, () => answer(lucia, conversation, '5'))
        await answer(lucia, conversation, '6')
        await widget.shows('1', '2', '3', '4', '5', '6')
      })
    })

databaseTest('shows what came while the server restarted', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, {}, async ({ server, operator }) => {
    const { port } = server
    await withWidget(port, {}, async (widget) => {
      await answer(await operator('Lucía', 1), widget.clientId(), 'before')
      await widget.shows('before')
      await settled(widget)
      await server.close()
      // Stored by another server, which has no other connection to this one.
      await withChat(database, {}, async (elsewhere) => {
        await answer(await elsewhere.operator('Mateo', 2), widget.clientId(), 'meanwhile')
      })
      await withChat(database, { port }, async (restarted) => {
        await widget.shows('before', 'meanwhile')
        await answer(await restarted.operator('Lucía', 1), widget.clientId(), 'after')
        await widget.shows('before', 'meanwhile', 'after')
      })
    })
  })
})

const adapterOn = ({ url }: TestDatabase) => ({ target: toConnectionTarget(parseDatabaseUrl(url, 'the test')) })

const ROUNDS = 6

databaseTest('hides no answer on whichever of two servers, while both are writing', async ({ database }) => {
  await withoutMessages(database)
  const options = { adapter: adapterOn(database) }
  await withChat(database, options, (a) =>
    withChat(database, options, async (b) => {
      const [lucia, mateo] = [await a.operator('Lucía', 1), await b.operator('Mateo', 2)]
      await mateo.next('operatorConnected', 0)
      const ports = [a.server.port, b.server.port]
      await withWidget(a.server.port, {}, async (widget) => {
        const conversation = widget.clientId()
        widget.socket.emit('clientMessage', { type: 'text', message: 'hello' })
        await lucia.next('incomingMessage')
        const sent: string[] = []
        const isDone = { yes: false }
        const write = async (operator: Peer, name: string): Promise<void> => {
          for (let count = 0; !isDone.yes; count += 1) {
            sent.push(`${name}${count}`)
            await answer(operator, conversation, `${name}${count}`)
          }
        }
        const writing = Promise.all([write(lucia, 'L'), write(mateo, 'M')])
        for (let round = 0; round < ROUNDS; round += 1) {
          const { length } = widget.older
          await until(() => widget.older.length > length + 5, { what: 'answers come' })
          widget.socket.io.engine.close()
          const manager = widget.socket.io as unknown as { uri: string }
          manager.uri = `http://127.0.0.1:${ports[(round + 1) % 2]}`
          await until(() => widget.joins() > round + 1, { what: 'the widget has joined again' })
        }
        isDone.yes = true
        await writing
        await until(() => new Set(widget.older).size >= sent.length, { what: 'all answers' })
        await settled(widget)
        for (const shown of [widget.older, widget.shown]) {
          expect([...new Set(shown)].sort()).toEqual([...sent].sort())
          // A cut between an answer and its offset shows that one twice.
          expect(shown.length - sent.length).toBeLessThanOrEqual(ROUNDS)
        }
      })
    }),
  )
})

test('shows an answer whose transaction was open when a later one was shown', async ({ chat }) => {
  const lucia = await chat.operator('Lucía', 1)
  await withWidget(chat.server.port, {}, async (widget) => {
    const other = await chat.database.client()
    await other.query('BEGIN')
    await chat.store.saveChatMessage(
      {
        senderType: 'OPERATOR',
        operatorId: 2,
        messageType: 'TEXT',
        text: 'early',
        guestUsername: 'ana',
        sessionId: widget.clientId(),
      },
      { db: other },
    )
    await answer(lucia, widget.clientId(), 'late')
    await widget.shows('late')
    await whileAway(widget, () => Promise.resolve())
    await whileAway(widget, async () => {
      await other.query('COMMIT')
    })
    await widget.shows('late', 'early')
  })
})

test('a page that is loaded anew is shown nothing again', async ({ chat }) => {
  const lucia = await chat.operator('Lucía', 1)
  const { token, clientId } = await chat.guest('ana')
  await answer(lucia, clientId, '1', '2')
  await withWidget(chat.server.port, { token }, async (widget) => {
    await answer(lucia, clientId, '3')
    await widget.shows('3')
    await whileAway(widget, () => answer(lucia, clientId, '4'))
    await widget.shows('3', '4')
  })
})

test('an offset opens no other conversation, and a forged one changes nothing', async ({ chat }) => {
  const lucia = await chat.operator('Lucía', 1)
  const other = await chat.guest('bruno')
  const position = await other.next('position')
  await answer(lucia, other.clientId, 'for bruno')
  const { token, clientId } = await chat.guest('ana')
  await answer(lucia, clientId, 'old')
  for (const offset of [position, '', 'x'.repeat(5_000), 7, null, { length: 1 }])
    await withWidget(chat.server.port, { token, auth: { pid: 'x', offset } }, async (widget) => {
      await settled(widget)
      await answer(lucia, clientId, 'new')
      await widget.shows('new')
    })
})

test('many answers are shown once, and those of a long absence in order', async ({ chat }) => {
  const lucia = await chat.operator('Lucía', 1)
  const texts = (from: number, count: number) => Array.from({ length: count }, (_, index) => `${from + index}`)
  await withWidget(chat.server.port, {}, async (widget) => {
    await answer(lucia, widget.clientId(), ...texts(0, 230))
    await widget.shows(...texts(0, 230))
    await whileAway(widget, () => answer(lucia, widget.clientId(), ...texts(230, 250)))
    await widget.shows(...texts(0, 480))
  })
})

test('a missed image comes as it would have come live', async ({ chat }) => {
  const lucia = await chat.operator('Lucía', 1)
  await withWidget(chat.server.port, {}, async (widget) => {
    const images: Readonly<Record<string, unknown>>[] = []
    widget.socket.on('operatorMessage', (message: (typeof images)[number]) => images.push(message))
    const send = async (): Promise<void> => {
      const image = { type: 'image', image: 'data:image/png;base64,AAAA', name: 'a.png', mimeType: 'image/png' }
      expectOk(await lucia.ask('operatorMessage', { to: widget.clientId(), ...image }))
    }
    await send()
    await until(() => images.length === 1, { what: 'the image' })
    await whileAway(widget, send)
    await until(() => images.length === 2, { what: 'the missed image' })
    const [live, missed] = images
    expect({ ...missed, id: live?.id, timestamp: live?.timestamp }).toEqual(live)
  })
})

const restartBetween = async (
  database: TestDatabase,
  options: Parameters<typeof withChat>[1],
  token: string,
  work: (widget: Widget) => Promise<void>,
  change: () => Promise<string> = () => Promise.resolve(token),
): Promise<readonly string[]> => {
  const logs: string[] = []
  const joinAs = async (chat: TestChat, presented: string): Promise<Peer> => {
    const lucia = await chat.connect()
    expectOk(await lucia.ask('join', { role: 'operator', name: 'Lucía', token: presented }))
    return lucia
  }
  await withChat(database, options, async (chat) => {
    const { port } = chat.server
    await withWidget(port, {}, async (widget) => {
      const lucia = await joinAs(chat, token)
      await answer(lucia, widget.clientId(), 'before')
      await widget.shows('before')
      await settled(widget)
      widget.socket.disconnect()
      await answer(lucia, widget.clientId(), 'meanwhile')
      await chat.server.close()
      const presented = await change()
      await withChat(database, { ...options, port }, async (restarted) => {
        widget.socket.connect()
        await until(() => widget.joins() > 1, { what: 'the widget has joined again' })
        await answer(await joinAs(restarted, presented), widget.clientId(), 'after')
        await work(widget)
        logs.push(...restarted.log)
      })
    })
  })
  return logs.map((line) => (JSON.parse(line) as { readonly event: string }).event)
}

for (const change of ['unchanged', 'longer', 'new'] as const)
  databaseTest(
    `shows what came while a server with a file of operators restarted, which is ${change}`,
    async ({ database }) => {
      await withoutMessages(database)
      const folder = await mkdtemp(join(tmpdir(), 'chatkeep-operators-'))
      try {
        const operatorsFile = join(folder, 'operators')
        const add = (name: string) => addOperator({ file: operatorsFile, name, operatorId: 1 })
        const token = await add('Lucía')
        const restart = async (): Promise<string> => {
          if (change === 'unchanged') return token
          const other = await add('Mateo')
          if (change === 'longer') return token
          const lines = (await readFile(operatorsFile, 'utf8')).split('\n').filter((line) => !line.includes('Lucía'))
          await writeFile(operatorsFile, lines.join('\n'))
          return other
        }
        const options = { operatorSecret: undefined, operatorsFile }
        const shows = (widget: Widget): Promise<void> => widget.shows('before', 'meanwhile', 'after')
        const events = await restartBetween(database, options, token, shows, restart)
        expect(events).not.toContain('answers_not_kept')
      } finally {
        await rm(folder, { recursive: true })
      }
    },
  )

databaseTest(
  'says at the start that it will not be able to, when the application alone knows operators',
  async ({ database }) => {
    await withoutMessages(database)
    const authenticateOperator = () => Promise.resolve({ name: 'Lucía', operatorId: 1 })
    const alone = { operatorSecret: undefined, authenticateOperator }
    const events = await restartBetween(database, alone, 'any', (widget) => widget.shows('before', 'after'))
    expect(events).toContain('answers_not_kept')
    const withSecret = await restartBetween(database, { authenticateOperator }, 'any', (widget) =>
      widget.shows('before', 'meanwhile', 'after'),
    )
    expect(withSecret).not.toContain('answers_not_kept')
  },
)
