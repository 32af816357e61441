import { OperatorError } from '../errors.js'
import { serverClosing } from '../protocol/refusals.js'
import type { ChatIo, ChatIoServer } from './chat-io.js'
import type { PreparedChat } from './prepare-chat.js'
import { limitSockets, toConnectError } from './protection/connection-limit.js'
import { runChat, type RunningChat } from './run-chat.js'

/** What a chat needs of a Socket.IO server. */
export type NamespaceServer = Pick<ChatIoServer, 'of' | '_opts'>

/**
 * Runs a chat in a namespace of a Socket.IO server of the application. What belongs to the whole connection (origins, transports,
 * sizes, what a slow reader leaves unread) stays the application's.
 * @throws OperatorError `invalid_option`
 */
export const runChatInNamespace = async (
  server: NamespaceServer,
  name: string,
  prepare: () => Promise<PreparedChat>,
): Promise<RunningChat> => {
  refuseRecovery(server)
  const io: ChatIo = server.of(name)
  if (io.listenerCount('connection') > 0) throw inUse(io.name)
  const prepared = await prepare()
  // A middleware cannot be taken out again.
  io.use((_socket, next) => next(prepared.inFlight.closing ? toConnectError(serverClosing()) : undefined))
  return runChat(prepared, {
    io,
    connections: 'shared',
    limitConnections: (pools, addressOf) => limitSockets(io, pools, addressOf),
    disconnect: () => {
      io.local.disconnectSockets()
      return Promise.resolve()
    },
  })
}

const inUse = (name: string): OperatorError =>
  new OperatorError('invalid_option', `the namespace ${name} has listeners of its own`, {
    hint: 'choose another with the option namespace',
  })

// It restores rooms and resends what was missed without asking again who the operator is.
const refuseRecovery = ({ _opts }: NamespaceServer): void => {
  if (_opts.connectionStateRecovery !== undefined)
    throw new OperatorError('invalid_option', 'the Socket.IO server has connectionStateRecovery', {
      hint: 'leave that option out, or attach the chat to the HTTP server',
    })
}
