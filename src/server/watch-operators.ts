import type { OperatorError } from '../errors.js'
import type { ChatStore } from '../persistence/chat-store.js'
import { inactiveOperator, removedOperator } from '../protocol/refusals.js'
import type { ChatIo, ChatSocket } from './chat-io.js'
import { OPERATORS } from './cluster/presence.js'
import { errorFields } from './error-fields.js'
import { toWireError } from './events/wire-error.js'
import type { OperatorList } from './operators/operator-list.js'
import type { WarnRarely } from '../rare-log.js'

interface WatchParts {
  readonly io: ChatIo
  readonly connections: 'own' | 'shared'
  readonly operators: OperatorList | undefined
  /** Absent when inactive operators may stay. */
  readonly store: Pick<ChatStore, 'getInactiveOperators'> | undefined
  readonly warnRarely: WarnRarely
}

const CHECK_EVERY_MS = 60_000

/**
 * Ends the connections of operators who are taken out of the file, or become inactive in "User".
 * @returns a function that ends the watch
 */
export const watchOperators = ({ io, connections, operators, store, warnRarely }: WatchParts): (() => void) => {
  const endRemoved = (): void =>
    endWhere(io, connections, ({ data: { named } }) =>
      named === undefined || operators?.has(named) === true ? undefined : removedOperator(),
    )

  const endInactive = async (): Promise<void> => {
    const ids = operatorIds(io)
    if (store === undefined || ids.length === 0) return
    const inactive = new Set<number | null>(await store.getInactiveOperators(ids))
    endWhere(io, connections, (socket) => (inactive.has(operatorIdOf(socket)) ? inactiveOperator() : undefined))
  }

  const stopReading = operators?.watch(endRemoved)
  let checking: Promise<void> | undefined
  const timer = setInterval(() => {
    checking ??= endInactive()
      // Trouble of the database disconnects nobody.
      .catch((error: unknown) =>
        warnRarely({ event: 'activity_unknown', ...errorFields(error) }, 'whether operators are active is not known'),
      )
      .finally(() => (checking = undefined))
  }, CHECK_EVERY_MS).unref()
  return () => {
    stopReading?.()
    clearInterval(timer)
  }
}

const operatorSockets = (io: ChatIo): readonly ChatSocket[] =>
  Array.from(io.adapter.rooms.get(OPERATORS) ?? [], (id) => io.sockets.get(id)).filter((socket) => socket !== undefined)

const operatorIdOf = ({ data: { participant } }: ChatSocket): number | null =>
  participant?.role === 'operator' ? participant.operatorId : null

const operatorIds = (io: ChatIo): readonly number[] => [
  ...new Set(
    operatorSockets(io)
      .map(operatorIdOf)
      .filter((id) => id !== null),
  ),
]

const endWhere = (
  io: ChatIo,
  connections: 'own' | 'shared',
  refusalOf: (socket: ChatSocket) => OperatorError | undefined,
): void => {
  for (const socket of operatorSockets(io)) {
    const refusal = refusalOf(socket)
    if (refusal === undefined) continue
    socket.emit('refused', toWireError(refusal))
    socket.disconnect(connections === 'own')
  }
}
