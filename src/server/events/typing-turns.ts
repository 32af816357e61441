import type { Arrival } from './arrival.js'
import type { Reply } from './reply.js'

/** Passes typing on, one state of a chat at a time: its address may have to be looked up, and the last state must come last. */
export interface TypingTurns {
  /** Whether nothing of this chat is on its way, and not too much of all. */
  isFree(typing: Typing): boolean
  run(typing: Arrival): ReturnType<Arrival['work']>
}

type Typing = Pick<Arrival, 'event' | 'to'>

/** Looked up at a time for one socket. */
const MOST_AT_A_TIME = 100

/** @param onFree called when one has been passed on */
export const createTypingTurns = (onFree: () => void): TypingTurns => {
  const onTheWay = new Map<string, Promise<Reply | undefined>>()
  return {
    isFree: (typing) => onTheWay.size < MOST_AT_A_TIME && !onTheWay.has(chatOf(typing)),
    run: (typing) => {
      const reply = typing.work()
      if (!(reply instanceof Promise)) return reply
      const chat = chatOf(typing)
      onTheWay.set(chat, reply)
      const end = (): void => {
        if (onTheWay.get(chat) === reply) onTheWay.delete(chat)
        onFree()
      }
      reply.then(end, end)
      return reply
    },
  }
}

/** Whose typing it is, and where: of it only the last state matters. */
export const chatOf = ({ event, to }: Typing): string => `${event} ${to}`
