import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createChatStore, type ChatStore } from '../../src/persistence/chat-store.js'
import { withProxy, type CuttableProxy, type Tap } from './cuttable-proxy.js'
import type { TestDatabase } from './database.js'
import { withChat, type TestChat } from './socket-chat.js'
import { until } from './until.js'

const NOWHERE = 'postgres://127.0.0.1:1/crm'

/** A chat with a journal, whose way to the database can be closed and opened. */
export interface Outage extends TestChat {
  /** Straight to the database. */
  readonly store: ChatStore
  readonly journal: string
  readonly away: () => void
  readonly back: () => void
}

export const withOutage = async (
  database: TestDatabase,
  work: (chat: Outage) => Promise<void>,
  { deadlineMs = 1_000, makeTap }: { readonly deadlineMs?: number; readonly makeTap?: () => Tap } = {},
): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'chatkeep-journal-'))
  const journal = join(folder, 'chat.journal')
  try {
    const withStore = async (proxy: CuttableProxy): Promise<void> => {
      await using own = createChatStore({ databaseUrl: database.url })
      const store = createChatStore({ databaseUrl: proxy.url }, { deadlineMs })
      const away = (): void => {
        proxy.pointAt(NOWHERE)
        proxy.cut()
      }
      await withChat(database, { store, journal: { path: journal }, disconnectGraceMs: 0 }, (chat) =>
        work({ ...chat, store: own, journal, away, back: () => proxy.pointAt(database.url) }),
      )
    }
    await withProxy(database.url, withStore, makeTap)
  } finally {
    await rm(folder, { recursive: true })
  }
}

export const untilDrained = async ({ log }: TestChat): Promise<void> => {
  await until(() => log.some((line) => line.includes('"event":"journal_drained"')), { what: 'the journal is drained' })
}
