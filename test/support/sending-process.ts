// One of several processes that save at the same moment, each through its own store: bundled and started by
// `sending-processes.ts`. Reports that it is connected, waits for `go`, reports the answers. Any error ends it.
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
