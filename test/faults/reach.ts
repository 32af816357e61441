import * as z from 'zod'
import { bytes, createColumn, type Column } from './column.js'
import { storedName } from './people.js'
import type { Stage } from './stage.js'

const historySchema = z.object({
  ok: z.literal(true),
  messages: z.array(z.object({ id: z.string() })),
  nextBefore: z.string().nullable(),
})

const recentSchema = z.object({
  ok: z.literal(true),
  chats: z.array(z.object({ username: z.string() })),
  nextBefore: z.string().nullable(),
})

/** Guests who read their histories at once. */
const READERS = 8
const PAGE = 200

/** Reads every guest's whole history over the socket, as the guest. @returns by id, whether somebody was shown the message */
export const readHistories = async ({ crowd, rowIdOf }: Stage): Promise<Column> => {
  const reached = createColumn(bytes)
  const left = crowd.guests.values()
  const read = async (): Promise<void> => {
    for (const guest of left) {
      const client = crowd.comeBack(guest)
      for (let before: string | null = null; ;) {
        const answer = await client.ask('history', { limit: PAGE, ...(before === null ? {} : { before }) })
        const { messages, nextBefore } = historySchema.parse(answer)
        for (const { id } of messages) reached.set(rowIdOf(id), 1)
        before = nextBefore
        if (before === null) break
      }
      await client.close()
    }
  }
  await Promise.all(Array.from({ length: READERS }, read))
  return reached
}

/** Pages through the recent chats as an operator. @returns names of guests who have written and are not in it */
export const findUnlisted = async ({ crowd }: Stage): Promise<readonly string[]> => {
  const operator = crowd.operators[0]
  if (operator === undefined) return []
  const listed = new Set<string>()
  for (let before: string | null = null; ;) {
    const answer = await operator.client.ask('recentChats', { limit: PAGE, ...(before === null ? {} : { before }) })
    const { chats, nextBefore } = recentSchema.parse(answer)
    for (const { username } of chats) listed.add(username)
    before = nextBefore
    if (before === null) break
  }
  const written = crowd.guests.filter(({ account }) => account.begun > 0)
  return [...new Set(written.map(({ name }) => storedName(name)))].filter((name) => !listed.has(name))
}
