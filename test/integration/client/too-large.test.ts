import { createChatClient } from '../../../src/client/chat-client.js'
import { expect, test } from '../../support/database.js'
import { expectOk, imageOf, SECRET, withChat, withoutMessages } from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

const LIMIT = 1_048_576

test('a message that no packet holds is refused by the client, and the next ones go on', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, {}, async (chat) => {
    const attempts: string[] = []
    const onAttempt = ({ outcome }: { readonly outcome: string }): void => void attempts.push(outcome)
    const ana = createChatClient({ url: chat.server.url, join: { role: 'client', username: 'ana' }, onAttempt })
    const lucia = createChatClient({ url: chat.server.url, join: { role: 'operator', name: 'Lucía', token: SECRET } })
    try {
      const large = [
        { image: imageOf(9_333_359), name: 'photo.png' },
        { message: 'é'.repeat(LIMIT / 2 + 1) },
        { message: 'x', name: 'n'.repeat(9_000_000) },
        { message: 'x', size: ['n'.repeat(9_000_000)] as unknown as number },
        // None is too large, and all together are.
        { message: '\u0001'.repeat(LIMIT), image: '\u0001'.repeat(LIMIT) },
      ].map((message, number) => ana.send({ ...message, messageId: `m${number}` }))
      const small = ana.send({ message: 'small', messageId: 'small' })
      const refused = (await Promise.allSettled(large)).map(
        (one) => one.status === 'rejected' && (one.reason as object),
      )
      expect(refused).toMatchObject(
        [
          `image is larger than ${LIMIT} bytes: it has 9333359`,
          `message is larger than ${LIMIT} bytes: it has ${LIMIT + 2}`,
          `name is larger than ${LIMIT} bytes`,
          'it is larger than 7405568 bytes of JSON',
          'it is larger than 7405568 bytes of JSON',
        ].map((reason, number) => ({
          name: 'MessageRefused',
          code: 'invalid_message',
          ...{ messageId: `m${number}`, mayBeStored: false, retryable: false },
          message: expect.stringMatching(
            new RegExp(`^message m${number} was refused: clientMessage is too large: ${reason}`),
          ) as string,
        })),
      )
      expect(await small).toMatchObject({ messageId: 'small', attempts: 1 })
      expect(attempts).toEqual(['sent', 'ok'])
      const key = 'm'.repeat(9_000_000)
      const refusal = await ana.send({ message: 'x', messageId: key }).catch((error: unknown) => error)
      expect(refusal).toMatchObject({ name: 'MessageRefused', messageId: key })
      expect((refusal as Error).message.length).toBeLessThan(300)
      const answer = { to: ana.clientId ?? '', image: imageOf(9_333_359) }
      await expect(lucia.send(answer)).rejects.toMatchObject({ name: 'MessageRefused', code: 'invalid_message' })
      expect(await lucia.ask('history', { to: 'x'.repeat(9_000_000) })).toMatchObject({
        ok: false,
        error: { code: 'invalid_payload', message: expect.stringContaining('history is too large: to') as string },
      })
      expectOk(await (await chat.guest('bruno')).ask('history'))
    } finally {
      await ana.close()
      await lucia.close()
    }
  })
})

test('a join that no packet holds is refused by the client, and what waits for it', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, {}, async ({ server }) => {
    const large = 'x'.repeat(9_000_000)
    const joins = [
      ['username', { role: 'client', username: large }],
      ['phone', { role: 'client', username: 'ana', phone: large }],
      ['token', { role: 'client', username: 'ana', token: large }],
      ['name', { role: 'operator', name: large, token: SECRET }],
    ] as const
    for (const [field, join] of joins) {
      const client = createChatClient({ url: server.url, join })
      try {
        const reason = `join is too large: ${field} is larger than 65536 bytes: it has 9000000`
        expect(await client.join()).toMatchObject({ error: { code: 'invalid_payload', message: reason } })
        await expect(client.send({ to: 'x', message: 'x', messageId: 'm' })).rejects.toMatchObject({
          ...{ name: 'MessageRefused', code: 'invalid_payload', mayBeStored: false },
          message: `message m was refused: ${reason}`,
        })
      } finally {
        await client.close()
      }
    }
  })
})

for (const transport of ['websocket', 'polling'] as const)
  test(`the log names who was cut off for too large a packet, by ${transport}`, async ({ database }) => {
    await withoutMessages(database)
    await withChat(database, { maxMessageBytes: 1_024 }, async (chat) => {
      const ana = await chat.guest('ana', {}, transport)
      const packetBytes = 7 * 1_024 + LIMIT
      ana.socket.emit('clientMessage', { message: 'x'.repeat(packetBytes) })
      await ana.disconnected()
      const warnings = (): readonly unknown[] =>
        chat.log
          .map((line) => JSON.parse(line) as { event: string })
          .filter(({ event }) => event === 'packet_too_large')
      await until(() => expect(warnings()).toMatchObject([{ level: 'warn', address: '127.0.0.1', packetBytes }]), {
        what: 'the packet is logged',
      })
    })
  })
