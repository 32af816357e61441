import { createChatStore } from '../../../src/index.js'
import { expect, test } from '../../support/database.js'
import { expectOk, withChat, withoutMessages } from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

/** What the process warns of while the work runs; an error that nobody handles fails the test. */
const warningsDuring = async (work: () => Promise<void>): Promise<readonly string[]> => {
  const warnings: string[] = []
  const listen = ({ name, message }: Error): void => {
    if (name === 'ChatkeepWarning') warnings.push(message)
  }
  process.on('warning', listen)
  try {
    await work()
    // Warnings come a turn later.
    await new Promise((resolve) => setImmediate(resolve))
    return warnings
  } finally {
    process.off('warning', listen)
  }
}

const fail = (): unknown => {
  throw new Error('of the application')
}
const reject = (): unknown => Promise.reject(new Error('of the application'))

const failed = (name: string): string =>
  `${name} of the application failed: chatkeep goes on, and does not report it again`

for (const [how, callback] of [
  ['throws', fail],
  ['rejects', reject],
] as const)
  test(`a log that ${how} costs no message, and is reported once`, async ({ database }) => {
    await withoutMessages(database)
    const log = { debug: callback, info: callback, warn: callback, error: callback }
    const warnings = await warningsDuring(() =>
      withChat(database, { log }, async ({ guest, connect }) => {
        const ana = await guest('ana')
        expectOk(await ana.ask('clientMessage', { message: 'hello' }))
        for (const _ of [1, 2])
          expect(await ana.ask('operatorMessage', { to: 'x', message: 'no' })).toMatchObject({ ok: false })
        ana.socket.emit('clientMessage', {})
        await ana.next('refused')
        const late = await connect()
        late.socket.disconnect()
      }),
    )
    expect([...new Set(warnings)].sort()).toEqual(warnings.toSorted())
    expect(warnings).toContain(failed('log.warn'))
    expect(warnings).toContain(failed('log.debug'))
  })

for (const [how, callback] of [
  ['throws', fail],
  ['rejects', reject],
] as const)
  test(`onError that ${how} does not end the process, nor the subscription`, async ({ database }) => {
    await withoutMessages(database)
    const store = createChatStore({ databaseUrl: database.url })
    const heard: (string | null)[] = []
    const warnings = await warningsDuring(async () => {
      const subscription = await store.onMessage(
        ({ text }) => {
          heard.push(text)
          throw new Error('of the listener')
        },
        { onError: callback, pollMs: 50 },
      )
      for (const text of ['one', 'two'])
        await store.saveChatMessage({ guestUsername: 'ana', senderType: 'CLIENT', messageType: 'TEXT', text })
      await until(() => heard.length === 2, { what: 'both messages' })
      await subscription.close()
    })
    await store.close()
    expect(heard).toEqual(['one', 'two'])
    expect(warnings).toEqual([failed('onError')])
  })
