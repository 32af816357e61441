// A server of its own with a store of its own, of which several save at the same moment: bundled and started by
// `sending-processes.ts`. Says when it is connected, waits for the word to go, tells what was answered. Any error ends it.
import { once } from 'node:events'
import { createChatStore, type NewChatMessage, type SavedChatMessage } from '../../src/index.js'

export interface SendingOrder {
  readonly databaseUrl: string
  readonly messages: readonly NewChatMessage[]
}

export type SendingReport = 'connected' | readonly SavedChatMessage[]

const hear = async (): Promise<unknown> => (await once(process, 'message'))[0] as unknown
const tell = (report: SendingReport): boolean | undefined => process.send?.(report)

const { databaseUrl, messages } = (await hear()) as SendingOrder
const store = createChatStore({ databaseUrl })
await store.getRecentChats({ limit: 1 })
const go = hear()
tell('connected')
await go
tell(await Promise.all(messages.map((message) => store.saveChatMessage(message))))
await store.close()
