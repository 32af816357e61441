// The public API as an application uses it. All of its declarations are checked, for skipLibCheck is off.
import * as chatkeep from 'chatkeep'
import * as client from 'chatkeep/client'
import type { ChatClientOptions, ChatServer, ChatStore, ChatStoreOptions, StartChatServerOptions } from 'chatkeep'
import type { Answer, ChatClient, KeptMessage } from 'chatkeep/client'

const options: ChatStoreOptions = { deadlineMs: 1_000 }
const store: ChatStore = chatkeep.createChatStore({ databaseUrl: 'postgres://127.0.0.1/crm' }, options)

export const save = async (): Promise<number> => {
  try {
    const saved = await store.saveChatMessage({
      guestUsername: 'maria',
      senderType: 'CLIENT',
      messageType: 'TEXT',
      text: 'hi',
    })
    const page = await store.getChatHistory({ guestUsername: 'maria', limit: 50 })
    return page.messages.length + saved.createdAt.getTime()
  } catch (error) {
    if (error instanceof chatkeep.IdempotencyConflict) return error.existingId
    if (error instanceof chatkeep.StoreError && error.retryable) return 0
    throw error
  }
}

const join: ChatClientOptions['join'] = { role: 'client', username: 'maria' }
const maria: ChatClient = client.createChatClient({ url: 'http://127.0.0.1:3001/chat', join })
export const kept: Promise<KeptMessage> = maria.send({ message: 'hi' })
export const answer: Promise<Answer> = maria.ask('history')
export const same: chatkeep.ChatClient = maria

export const serve = (more: Partial<StartChatServerOptions>): Promise<ChatServer> =>
  chatkeep.startChatServer({ store, port: 0, ...more })

// @ts-expect-error a sender is CLIENT or OPERATOR
void (() => store.saveChatMessage({ senderType: 'ROBOT', messageType: 'TEXT' }))
// @ts-expect-error no such option
void client.createChatClient({ uri: 'http://127.0.0.1:3001/chat', join })
