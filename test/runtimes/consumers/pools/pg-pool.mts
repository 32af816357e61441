// The pool of pg without pg around it.
import { createChatStore, type ChatStore } from 'chatkeep'
import Pool from 'pg-pool'

const message = { guestUsername: 'maria', senderType: 'CLIENT', messageType: 'TEXT', text: 'hi' } as const

const pool = new Pool({ connectionString: 'postgres://127.0.0.1/crm', max: 5 })
export const store: ChatStore = createChatStore({ pool })
export const same: ChatStore = createChatStore({ pool: new Pool() }, { deadlineMs: 1_000 })

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
