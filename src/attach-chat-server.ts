import type { AttachedChat, SocketIoServer } from './server/attach-chat.js'
import type { AttachChatServerOptions } from './server/check-server-options.js'
import type { WebServer } from './server/http/own-path.js'

export type { AttachChatServerOptions }

/**
 * Runs the chat server on an HTTP server of the application, below a path, or on its Socket.IO server, in a namespace. The
 * packages of the chat server are loaded by the first call.
 * @throws OperatorError `invalid_option`, `unusable_operator_secret`, `unusable_operators`, or what is wrong with the journal
 */
export const attachChatServer = async (
  to: WebServer | SocketIoServer,
  options: AttachChatServerOptions,
): Promise<AttachedChat> => {
  const [{ attachChat }, { checkAttachOptions }] = await Promise.all([
    import('./server/attach-chat.js'),
    import('./server/check-server-options.js'),
  ])
  checkAttachOptions(options)
  return attachChat(to, options)
}
