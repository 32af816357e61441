import type { ChatMessage } from '../../persistence/message.js'
import { hideId } from '../../protocol/opaque-text.js'
import { toOperatorMessage } from '../../protocol/outgoing.js'
import type { Traffic } from '../protection/traffic.js'
import type { Answer, AnswersRead } from './guest-feed.js'
import { bytesIn } from './history-events.js'
import { nameOperators } from './operator-names.js'
import type { ServerContext } from './server-context.js'

export type AnswersSource = Pick<ServerContext, 'io' | 'peers' | 'store' | 'operatorAccess' | 'opaque'> & {
  readonly traffic: Traffic
}

/** Live answers wait for the end of a reading. */
const DEADLINE = { deadlineMs: 2_000 }

/** Most that one reading shows; each message goes out twice, for older widgets, and must not make the guest a slow reader. */
const PAGE = { limit: 200, maxBytes: 1_048_576 }

/**
 * Reads the operators' messages of a conversation that were stored behind a cursor, or became visible since; without one, only the
 * cursor behind all that is stored.
 * @throws what `getChatHistory` throws; OperatorError `rate_limited`
 */
export const readAnswers = async (
  { traffic, ...chat }: AnswersSource,
  conversation: string,
  cursor: string | undefined,
): Promise<AnswersRead> => {
  const { store } = chat
  if (cursor === undefined) {
    const newest = { sessionId: conversation, limit: 1, maxBytes: 0, fromPrimary: true }
    const { nextAfter } = await traffic.read(() => store.getChatHistory(newest, DEADLINE), bytesIn)
    return { answers: [], ids: [], cursor: nextAfter }
  }
  const { messages, nextAfter } = await traffic.read(
    () => store.getChatHistory({ sessionId: conversation, after: cursor, ...PAGE }, DEADLINE),
    bytesIn,
  )
  return {
    answers: await toAnswers(chat, conversation, messages),
    ids: messages.map(({ id }) => id),
    cursor: nextAfter,
  }
}

const toAnswers = async (
  chat: Omit<AnswersSource, 'traffic'>,
  conversation: string,
  messages: readonly ChatMessage[],
): Promise<readonly Answer[]> => {
  const ofOperators = messages.filter(({ senderType }) => senderType === 'OPERATOR')
  if (ofOperators.length === 0) return []
  const nameOf = await nameOperators(chat, ofOperators)
  return ofOperators.map((stored) => ({
    id: stored.id,
    message: toOperatorMessage(conversation, { name: nameOf(stored) ?? '' }, contentOf(stored), {
      id: hideId(chat.opaque, stored.id),
      createdAt: stored.createdAt,
    }),
  }))
}

const contentOf = ({ messageType, text, imageUrl, imageName, mimeType }: ChatMessage) => ({
  type: messageType === 'TEXT' ? ('text' as const) : ('image' as const),
  message: text,
  image: imageUrl,
  name: imageName,
  mimeType,
})
