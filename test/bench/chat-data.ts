import { randomUUID } from 'node:crypto'
import { createRandom, randomBelow, randomText, type Random } from './random.js'

/** How many of what a generated chat holds. */
export interface ChatShape {
  readonly messages: number
  readonly conversations: number
  /** Conversations of registered clients: their ids are 1 to this number. The others are of guests without client. */
  readonly clients: number
  /** Messages of the one big conversation, that of client 1. */
  readonly big: number
  /** How many of those, its newest, are of the newest hour. */
  readonly burst: number
  readonly operators: number
}

const MOST_CONVERSATIONS = 200_000
const FEWEST_MESSAGES_PER_CONVERSATION = 5
const CONVERSATIONS_PER_GUEST = 50
const BIG_SHARE = 0.1
const BURST_SHARE = 0.1
const OPERATORS = 5

/** 200,000 conversations from a million messages on, fewer below; the big one holds a tenth of all messages. */
export const chatShape = (messages: number): ChatShape => {
  const conversations = Math.min(MOST_CONVERSATIONS, Math.ceil(messages / FEWEST_MESSAGES_PER_CONVERSATION))
  const big = Math.round(BIG_SHARE * messages)
  return {
    messages,
    conversations,
    clients: conversations - Math.ceil(conversations / CONVERSATIONS_PER_GUEST),
    big,
    burst: Math.round(BURST_SHARE * big),
    operators: OPERATORS,
  }
}

export const BIG_CLIENT = 1

export const clientName = (id: number): string => `client ${id}`

/** @param conversation above the number of clients */
export const guestName = (conversation: number): string => `guest ${conversation}`

export const CLIENT_COLUMNS = '"createdAt", "updatedAt", "username", "phone"'

/** Lines for COPY; the ids are left to the sequence, so they count from 1. */
export function* clientLines({ clients }: ChatShape, now: Date): Generator<string> {
  const createdAt = sqlInstant(now.getTime() - TWO_YEARS_MS)
  for (let id = 1; id <= clients; id += 1) yield `${createdAt}\t${createdAt}\t${clientName(id)}\t+1 555 ${id}\n`
}

export const MESSAGE_COLUMNS =
  '"createdAt", "clientId", "clientSocketId", "senderType", "operatorId", "messageType", "text", "isRead", "readAt", "sessionId", "guestUsername", "idempotencyKey"'

const HOUR_MS = 3_600_000
const TWO_YEARS_MS = 730 * 24 * HOUR_MS
const UNREAD_SHARE = 0.03
/** Of the clients, those that once came as guests, so that their messages carry the name as well. */
const FORMER_GUESTS_PERCENT = 30
const SESSIONS_PER_CONVERSATION = 8
const SOCKETS_PER_CONVERSATION = 32

/**
 * Lines for COPY in the order of time, so that ids rise with it and a conversation's messages are neighbours nowhere:
 * two years of steady chat, then the newest hour, most of which is the burst of the big conversation.
 */
export function* messageLines(shape: ChatShape, now: Date): Generator<string> {
  const { messages, big, burst } = shape
  const random = createRandom(4)
  const choose = chooseConversation(shape, random)
  const othersInNewestHour = Math.ceil(burst / 10)
  const tail = burst + othersInNewestHour
  const steady = messages - tail
  const begin = now.getTime() - TWO_YEARS_MS
  const newestHour = now.getTime() - HOUR_MS

  for (let index = 0; index < steady; index += 1) {
    const at = begin + ((newestHour - begin) * index) / steady
    const conversation = isTurn(index, big - burst, steady) ? BIG_CLIENT : choose()
    yield messageLine(shape, random, conversation, at, index / messages)
  }
  for (let index = 0; index < tail; index += 1) {
    const at = newestHour + (HOUR_MS * index) / tail
    const conversation = isTurn(index, burst, tail) ? BIG_CLIENT : choose()
    yield messageLine(shape, random, conversation, at, (steady + index) / messages)
  }
}

/** Spreads that many turns evenly over all. */
const isTurn = (index: number, turns: number, all: number): boolean =>
  Math.floor(((index + 1) * turns) / all) > Math.floor((index * turns) / all)

/** Larger than the number of conversations and prime: multiplied with it, a rank lands anywhere, and each in a place of its own. */
const SCATTER = 15_485_863
/** The power of the heavy tail: the busiest hundredth of the conversations holds a sixth of the messages. */
const TAIL_POWER = 2.5

// Every conversation gets a message in its turn; the rest goes to few.
const chooseConversation = ({ messages, conversations }: ChatShape, random: Random): (() => number) => {
  const turnEvery = Math.max(2, Math.floor((messages * (1 - BIG_SHARE)) / conversations) - 1)
  let calls = 0
  let turn = 0
  return () => {
    calls += 1
    const rank = calls % turnEvery === 0 ? turn++ : Math.floor(conversations * random() ** TAIL_POWER)
    const conversation = ((rank * SCATTER) % conversations) + 1
    return conversation === BIG_CLIENT ? BIG_CLIENT + 1 : conversation
  }
}

const messageLine = (
  { clients, operators }: ChatShape,
  random: Random,
  conversation: number,
  atMs: number,
  progress: number,
): string => {
  const at = sqlInstant(atMs)
  const isClient = conversation <= clients
  const fromClient = random() < 0.5
  const isRead = fromClient && random() >= UNREAD_SHARE
  const session = `s-${conversation}-${Math.floor(SESSIONS_PER_CONVERSATION * progress)}`
  const socket = `k-${conversation}-${Math.floor(SOCKETS_PER_CONVERSATION * progress)}`
  const sender = fromClient ? 'CLIENT\t\\N' : `OPERATOR\t${randomBelow(random, operators) + 1}`
  return `${at}\t${isClient ? conversation : '\\N'}\t${socket}\t${sender}\tTEXT\t${randomText(random)}\t${isRead ? `t\t${at}` : 'f\t\\N'}\t${session}\t${nameOnMessage(conversation, isClient)}\t${randomUUID()}\n`
}

const nameOnMessage = (conversation: number, isClient: boolean): string => {
  if (!isClient) return guestName(conversation)
  const wasGuest = conversation !== BIG_CLIENT && conversation % 100 < FORMER_GUESTS_PERCENT
  return wasGuest ? clientName(conversation) : '\\N'
}

const sqlInstant = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').replace('Z', '')
