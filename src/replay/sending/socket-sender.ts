import { rulesOf } from '../../protocol/error-codes.js'
import { conversationOf } from '../../protocol/identity.js'
import type { Answer } from '../../client/answer.js'
import { createChatPeer } from '../../client/chat-peer.js'
import { refusalOf } from './chat-refusal.js'
import { withChatServer, type ChatServerSource, type RunningChat } from './with-chat-server.js'
import { expectSocketRow, operatorNameOf } from '../checking/expected-rows.js'
import { withOperatorDirectory, type OperatorDirectory } from '../checking/operator-directory.js'
import { createLanes, type LaneLimits } from './lanes.js'
import { createPeerPool } from './peer-pool.js'
import type { KeyedMessage } from '../../transcripts/read-transcript.js'
import { guestTokenOf, messageIdOf } from '../../transcripts/replay-key.js'
import type { Sender, SendOutcome } from './sender.js'
import type { TranscriptMessage } from '../../transcripts/transcript-line.js'

/** Sockets open at a time, a bound for both sides. Every operator receives every message, so there are fewer of them. */
const MOST_GUESTS = 200
const MOST_OPERATORS = 20

/** Enough lanes to keep the server busy; queues short enough to stay small and to end quickly on Ctrl-C. */
const LIMITS: LaneLimits = { lanes: 16, perLane: 16, weight: 16 * 1_048_576 }

/** Provides a sender over the socket for as long as the work lasts. */
export const withSocketSender = async <T>(source: ChatServerSource, work: (sender: Sender) => Promise<T>): Promise<T> =>
  withChatServer(source, (chat) =>
    withOperatorDirectory(source.target, async (operators) => {
      const sender = createSocketSender(chat, operators, source.signal)
      try {
        return await work(sender)
      } finally {
        await sender.close()
      }
    }),
  )

/**
 * Sends each message as its author would: every guest and operator on a socket of their own, each message of a conversation
 * after the acknowledgement of the one before. The server's clock sets the timestamps.
 */
const createSocketSender = (
  { address, operatorSecret }: RunningChat,
  operators: OperatorDirectory,
  signal: AbortSignal,
): Sender => {
  const guests = createPeerPool(MOST_GUESTS)
  const operatorPeers = createPeerPool(MOST_OPERATORS)
  const connect = (join: Readonly<Record<string, unknown>>) => () => createChatPeer({ address, join, signal })

  const sendAsOperator = async ({ message, key }: KeyedMessage): Promise<Answer> => {
    const operatorId = await operators.idOfWriter(message)
    const name = operatorNameOf(message)
    const join = { role: 'operator', name, operatorId, token: operatorSecret }
    return operatorPeers.use(name, connect(join), (peer) =>
      peer.ask('operatorMessage', {
        to: conversationOf(guestTokenOf(message)),
        ...contentOf(message),
        operatorId,
        operatorName: name,
        messageId: messageIdOf(key),
      }),
    )
  }

  const send = async (keyed: KeyedMessage): Promise<SendOutcome> => {
    const { message, key } = keyed
    const token = guestTokenOf(message)
    const join = { role: 'client', username: message.username, phone: message.phone, token }
    const answer = await guests.use(token, connect(join), async (guest) => {
      if (message.from === 'client') {
        return guest.ask('clientMessage', { ...contentOf(message), messageId: messageIdOf(key) })
      }
      // The server accepts an operator's message only for a conversation that it knows.
      const joined = await guest.join()
      return joined.ok ? sendAsOperator(keyed) : joined
    })
    return outcomeOf(answer)
  }

  return {
    open: (onOutcome) => createLanes(LIMITS, async (keyed) => onOutcome(keyed.line, await send(keyed))),
    expectedRow: expectSocketRow(operators),
    close: () => {
      guests.close()
      operatorPeers.close()
      return Promise.resolve()
    },
  }
}

const contentOf = ({ messageType, text, image }: TranscriptMessage) => ({
  type: messageType === 'IMAGE' ? 'image' : 'text',
  message: text,
  image: image?.url,
  name: image?.name,
  mimeType: image?.mimeType,
})

const outcomeOf = (answer: Answer): SendOutcome => {
  if (answer.ok) return { kind: answer.duplicate === true ? 'duplicate' : 'saved' }
  const { code, message } = answer.error
  // Every other refusal would meet the next message, too.
  if (rulesOf(code)?.concerns === 'request') return { kind: 'rejected', reason: message }
  throw refusalOf(answer)
}
