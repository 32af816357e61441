import { expect, test } from '../support/database.js'
import { python, withPythonClient } from '../support/python-client.js'
import { imageOf, SECRET, withChat, withoutMessages } from '../support/socket-chat.js'

if (python === undefined)
  console.warn('skipped: no python3 with python-socketio and aiohttp (apt install python3-socketio)')

const asText = (messages: unknown): readonly unknown[] =>
  (messages as { readonly messages: readonly { readonly text: unknown }[] }).messages.map(({ text }) => text)

for (const transport of ['websocket', 'polling', 'both'])
  test.skipIf(python === undefined)(
    `a guest and an operator with python-socketio (${transport})`,
    async ({ database }) => {
      await withoutMessages(database)
      const guest = { role: 'client', username: 'maria' }
      await withChat(database, {}, async ({ server, operator, guest: join }) => {
        const lucia = await operator('Lucía', 1)
        await withPythonClient({ port: server.port, transport, join: guest }, async (maria) => {
          const { clientId } = (await maria.next('joined')) as { readonly clientId: string }
          expect(await maria.call('clientMessage', { message: 'with', messageId: '1' })).toMatchObject({
            ok: true,
            duplicate: false,
          })
          maria.emit('clientMessage', { message: 'without', messageId: '2' })
          expect(await maria.next('messageSent', 2)).toMatchObject({ messageId: '2', queued: false })
          expect(await lucia.next('incomingMessage', 2)).toMatchObject({ from: clientId, message: 'without' })

          const image = imageOf(600_000)
          expect(await maria.call('clientMessage', { type: 'image', image })).toMatchObject({ ok: true })
          expect(await lucia.next('incomingMessage', 3)).toMatchObject({ image })
          expect(await maria.call('clientMessage', { type: 'image', bytes: [137, 80, 78, 71] })).toMatchObject({
            error: {
              code: 'invalid_payload',
              message:
                'the payload of clientMessage is invalid: image must be a string, a data URL such as data:image/png;base64,…',
            },
          })
          maria.emit('clientMessage', { type: 'image', bytes: [137, 80, 78, 71], messageId: '4' })
          expect(await maria.next('refused')).toMatchObject({ messageId: '4', code: 'invalid_payload' })
          expect(await maria.call('clientMessage', { image: imageOf(4_000_000) })).toMatchObject({
            error: { code: 'invalid_message', retryable: false },
          })

          await lucia.ask('operatorMessage', { to: clientId, message: 'hello' })
          expect(await maria.next('operatorMessage')).toMatchObject({ operatorName: 'Lucía', message: 'hello' })
          expect(asText(await maria.call('history'))).toEqual(['with', 'without', null, 'hello'])
        })

        const joined = { role: 'operator', name: 'Mateo', token: SECRET }
        await withPythonClient({ port: server.port, transport, join: joined }, async (mateo) => {
          await mateo.next('joined')
          const ana = await join('ana')
          expect(await mateo.next('newChat')).toMatchObject({ username: 'ana', to: ana.clientId })
          await ana.ask('clientMessage', { message: 'hi' })
          expect(await mateo.next('incomingMessage')).toMatchObject({ to: ana.clientId, message: 'hi' })
          expect(await mateo.call('operatorMessage', { to: ana.clientId, message: 'yes?' })).toMatchObject({ ok: true })
          expect(await ana.next('operatorMessage')).toMatchObject({ operatorName: 'Mateo', message: 'yes?' })
          expect(await mateo.call('getConnectedOperators')).toEqual({ ok: true })
          expect(await mateo.next('connectedOperatorsList')).toHaveLength(2)
        })
      })
    },
  )

test.skipIf(python === undefined)(
  'with python-socketio a guest stays in its chat when the server restarts',
  async ({ database }) => {
    await withoutMessages(database)
    await withChat(database, {}, async ({ server }) => {
      const { port } = server
      const join = { role: 'client', username: 'maria' }
      await withPythonClient({ port, transport: 'websocket', join }, async (maria) => {
        await maria.next('joined')
        expect(await maria.call('clientMessage', { message: 'before' })).toMatchObject({ ok: true })
        await server.close()
        await withChat(database, { port }, async () => {
          await maria.next('joined', 2)
          expect(await maria.call('clientMessage', { message: 'after' })).toMatchObject({ ok: true })
          expect(asText(await maria.call('history'))).toEqual(['before', 'after'])
        })
      })
    })
  },
)
