import type { ChatMessage } from '../../persistence/message.js'
import { operatorInKey } from '../../persistence/keys/key-scope.js'
import type { ConnectedOperator } from '../../protocol/outgoing.js'
import { connectedOperators } from '../cluster/presence.js'
import type { ServerContext } from './server-context.js'

/** The name under which the operator of a message is shown; null for a guest's message, and where nothing tells the name. */
export type NameOperator = (message: ChatMessage) => string | null

/**
 * Names the operators of these messages as guests saw them live, as far as that is still known: by the name that an operator who is
 * connected has joined under, by the file of operators, else by "User". An operator without an id is named by the message's key.
 */
export const nameOperators = async (
  chat: Pick<ServerContext, 'io' | 'peers' | 'store' | 'operatorAccess'>,
  messages: readonly ChatMessage[],
): Promise<NameOperator> => {
  const ids = messages.map(idOf).filter((id) => id !== undefined)
  const live = ids.length === 0 ? new Map<number, string>() : liveNames(chat)
  const others = messages.flatMap(({ operatorId }) => (operatorId === null || live.has(operatorId) ? [] : operatorId))
  const stored = await chat.store.getOperatorNames([...new Set(others)])
  return (message) => {
    if (message.senderType !== 'OPERATOR') return null
    const id = idOf(message)
    const given = operatorInKey(message.idempotencyKey ?? '')?.name
    if (id === undefined) return given ?? null
    return live.get(id) ?? (message.operatorId === null ? null : (stored.get(id) ?? null))
  }
}

// The column is empty for an operator who is not in "User".
const idOf = ({ operatorId, idempotencyKey }: ChatMessage): number | undefined =>
  operatorId ?? operatorInKey(idempotencyKey ?? '')?.operatorId ?? undefined

const liveNames = ({
  operatorAccess,
  ...present
}: Pick<ServerContext, 'io' | 'peers' | 'operatorAccess'>): ReadonlyMap<number, string> =>
  new Map([...unshared(operatorAccess.named()), ...unshared(connectedOperators(present))])

/** Without the ids that several names share. */
const unshared = (operators: readonly ConnectedOperator[]): ReadonlyMap<number, string> => {
  const names = new Map<number, Set<string>>()
  for (const { operatorId, name } of operators)
    if (operatorId !== null) names.set(operatorId, (names.get(operatorId) ?? new Set()).add(name))
  return new Map(
    [...names].flatMap(([id, [name, other]]) => (name === undefined || other !== undefined ? [] : [[id, name]])),
  )
}
