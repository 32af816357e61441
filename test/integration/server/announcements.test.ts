import { createChatStore } from '../../../src/persistence/chat-store.js'
import { cutAtWrites } from '../../support/commit-cutter.js'
import { withProxy } from '../../support/cuttable-proxy.js'
import { expect, test } from '../../support/database.js'
import { expectOk, rowIdOf, withChat, withoutMessages } from '../../support/socket-chat.js'

const MESSAGES = 4

test('broadcasts a message once when neither of two resends knows which was stored', async ({ database }) => {
  await withoutMessages(database)
  const cutter = cutAtWrites('before the write arrives', 0.7)
  await withProxy(
    database.url,
    async ({ url }) => {
      const store = createChatStore({ databaseUrl: url })
      await withChat(database, { store }, async (chat) => {
        const operator = await chat.operator('Lucía', 1)
        const guest = await chat.guest('Zoë')
        const again = await chat.guest('Zoë', { token: guest.token })
        const ids = new Set<number>()
        for (let number = 0; number < MESSAGES; number += 1) {
          const message = { type: 'text', message: `m${number}`, messageId: `m${number}` }
          const answers = await Promise.all([guest, again].map(({ ask }) => ask('clientMessage', message)))
          for (const answer of answers) ids.add(rowIdOf(expectOk(answer)))
        }
        // What was told twice would have been told before the list that is asked for now.
        await operator.ask('recentChats', { limit: 1 })
        expect(cutter.cuts()).toBeGreaterThanOrEqual(MESSAGES)
        const told = operator.all('incomingMessage').map((payload) => (payload as { readonly id: number }).id)
        expect(told).toEqual([...ids])
      })
    },
    cutter.makeTap,
  )
})
