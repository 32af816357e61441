import * as z from 'zod/mini'
import type { WarnRarely } from '../../rare-log.js'
import { createSerialQueue } from '../../concurrency/serial-queue.js'
import type { OperatorMessage } from '../../protocol/outgoing.js'
import type { ChatIo, ChatSocket } from '../chat-io.js'
import { conversationRoom } from '../cluster/presence.js'
import { errorFields } from '../error-fields.js'
import type { Traffic } from '../protection/traffic.js'
import { createGuestFeed, type Answer, type GuestFeed } from './guest-feed.js'
import { readAnswers } from './read-answers.js'
import type { ServerContext } from './server-context.js'

/** Brings operators' messages to the guests of all servers. */
export interface Answers {
  /** Shows a message on all sockets of its conversation, on this server and the others. */
  readonly send: (conversation: string, answer: Answer) => void
  /** The feed of a socket that connects. */
  feedOf(socket: ChatSocket, traffic: Traffic): GuestFeed
  close(): void
}

type AnswersParts = Pick<ServerContext, 'io' | 'peers' | 'store' | 'operatorAccess' | 'opaque'> & {
  readonly warnRarely: WarnRarely
}

/** What one server tells the others. Parsed, since they may run another version. */
const sentSchema = z.object({
  conversation: z.string(),
  id: z.number(),
  message: z.custom<OperatorMessage>((message: unknown) => typeof message === 'object' && message !== null),
})

/** Feeds that read at a time: when a server starts, all guests come back at once. */
const READING_AT_A_TIME = 4

/**
 * Not a broadcast to a room: each page is to be shown what it has not been shown, which only the server of its socket knows.
 */
export const createAnswers = (parts: AnswersParts): Answers => {
  const { io, opaque, warnRarely } = parts
  const feeds = new WeakMap<ChatSocket, GuestFeed>()
  const queues = Array.from({ length: READING_AT_A_TIME }, createSerialQueue)
  let turn = 0

  const show = (conversation: string, answer: Answer): void => {
    for (const id of io.adapter.rooms.get(conversationRoom(conversation)) ?? []) {
      const socket = io.sockets.get(id)
      if (socket !== undefined) feeds.get(socket)?.deliver(answer)
    }
  }
  const receive = (sent: unknown): void => {
    const { data } = sentSchema.safeParse(sent)
    if (data !== undefined) show(data.conversation, data)
  }
  io.on('answer', receive)

  return {
    send: (conversation, { id, message }) => {
      show(conversation, { id, message })
      if (reachesOthers(io)) io.serverSideEmit('answer', { conversation, id, message })
    },
    feedOf: (socket, traffic) => {
      const feed = createGuestFeed({
        ...{ socket, opaque },
        read: (conversation, cursor) => readAnswers({ ...parts, traffic }, conversation, cursor),
        inTurn: (work) => {
          turn += 1
          return (queues[turn % queues.length] ?? createSerialQueue())(work)
        },
        onUnread: (error) =>
          warnRarely(
            { event: 'answers_not_read', ...errorFields(error) },
            'answers that a guest missed cannot be read',
          ),
      })
      feeds.set(socket, feed)
      return feed
    },
    close: () => io.off('answer', receive),
  }
}

// The adapter in memory writes a warning to the console. An application may have its own copy of it, so its class is no help:
// it is the one that all others are derived from.
const reachesOthers = ({ adapter }: ChatIo): boolean => {
  const [own, ...bases] = prototypesOf(adapter).filter((one) => Object.hasOwn(one, 'serverSideEmit'))
  return own !== undefined && bases.length > 0
}

const prototypesOf = (value: object): readonly object[] => {
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === null ? [] : [prototype, ...prototypesOf(prototype)]
}
