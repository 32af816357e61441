// The pool of Vercel's package.
import { createChatStore, type ChatStore } from 'chatkeep'
import { createPool } from '@vercel/postgres'

const message = { guestUsername: 'maria', senderType: 'CLIENT', messageType: 'TEXT', text: 'hi' } as const

const pool = createPool({ connectionString: 'postgres://127.0.0.1/crm', max: 5 })
export const store: ChatStore = createChatStore({ pool })
export const same: ChatStore = createChatStore({ pool: createPool() }, { deadlineMs: 1_000 })

export const inTransaction = async (): Promise<number> => {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    const { id } = await store.saveChatMessage(message, { db: client })
    await client.query('COMMIT')
    return id
  } finally {
    client.release()
  }
}
