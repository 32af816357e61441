import { randomUUID } from 'node:crypto'
import * as z from 'zod/mini'
import type { ChatStore } from '../../persistence/chat-store.js'
import { describeIssue } from '../../persistence/invalid-fields.js'
import type { Answer } from '../../client/answer.js'
import type { ChatPeer } from '../../client/chat-peer.js'
import { refusalOf } from '../sending/chat-refusal.js'
import type { Observation } from './judge.js'
import type { GuestTables } from './guest-rows.js'

/** What the cases use. */
export interface GuestFlow {
  readonly names: GuestNames
  readonly store: ChatStore
  readonly tables: GuestTables
  /** Connects a guest on its own socket; `token` is that of an earlier visit. */
  readonly withGuest: <T>(
    username: string,
    token: string | undefined,
    visit: (guest: ChatPeer) => Promise<T>,
  ) => Promise<T>
}

/** Random names that no other client or conversation has. */
export interface GuestNames {
  readonly newGuest: string
  readonly existingClient: string
  readonly returningGuest: string
}

export interface GuestFlowCase {
  readonly name: string
  readonly expected: string
  /** Plays the case, then reads the database. */
  play(flow: GuestFlow): Promise<Observation>
}

const newGuest: GuestFlowCase = {
  name: 'new guest',
  expected: 'message saved, one client of that name made, and the message carries both clientId and guestUsername',
  play: async ({ names, tables, withGuest }) => {
    const username = names.newGuest
    const text = 'Hello'
    await withGuest(username, undefined, (guest) => say(guest, text))
    return { username, texts: [text], rows: await tables.read(username) }
  },
}

const existingClient: GuestFlowCase = {
  name: 'existing client',
  expected: 'message saved with the clientId that was there before, and no second client made',
  play: async ({ names, store, tables, withGuest }) => {
    const username = names.existingClient
    const [before, now] = ['I am a client already', 'I write as the client I am'] as const
    const guest = { guestUsername: username, sessionId: username, senderType: 'CLIENT', messageType: 'TEXT' } as const
    const { clientId } = await store.saveChatMessage({ ...guest, text: before })
    await withGuest(username, undefined, (client) => say(client, now))
    return { username, texts: [before, now], rows: await tables.read(username), existingClientId: clientId }
  },
}

const returningGuest: GuestFlowCase = {
  name: 'guest comes back',
  expected: 'both messages linked to the same client, and the guest is shown both',
  play: async ({ names, tables, withGuest }) => {
    const username = names.returningGuest
    const [first, second] = ['I will be back', 'Here I am again'] as const
    const token = await withGuest(username, undefined, async (guest) => {
      const joined = joinSchema.parse(accepted(await guest.join()), { error: describeIssue })
      await say(guest, first)
      return joined.token
    })
    const history = await withGuest(username, token, async (guest) => {
      await say(guest, second)
      const { messages } = historySchema.parse(accepted(await guest.ask('history', {})), { error: describeIssue })
      return messages.map(({ text }) => text)
    })
    return { username, texts: [first, second], rows: await tables.read(username), history }
  },
}

/** The test cases of the guest-chat update, in their order. */
export const GUEST_FLOW_CASES: readonly GuestFlowCase[] = [newGuest, existingClient, returningGuest]

const joinSchema = z.object({ token: z.string() })
const historySchema = z.object({ messages: z.array(z.object({ text: z.string() })) })

const say = async (guest: ChatPeer, text: string): Promise<void> => {
  accepted(await guest.ask('clientMessage', { type: 'text', message: text, messageId: randomUUID() }))
}

const accepted = (answer: Answer): Answer => {
  if (answer.ok) return answer
  throw refusalOf(answer)
}
