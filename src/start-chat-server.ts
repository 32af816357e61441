import type { ChatServer } from './server/chat-server.js'
import type { StartChatServerOptions } from './server/check-server-options.js'

export type { StartChatServerOptions }

/**
 * Starts a chat server in this process, as `chatkeep serve` does in one of its own; resolves when it listens. The server's
 * packages are loaded by the first call.
 * @throws InvalidCall `invalid_option`; OperatorError `unusable_operator_secret`, `unusable_operators`, `address_in_use`, `address_not_available`,
 *   `address_not_permitted`, `cannot_listen`, or what is wrong with the journal
 */
export const startChatServer = async (options: StartChatServerOptions): Promise<ChatServer> => {
  const [server, { checkServerOptions }] = await Promise.all([
    import('./server/chat-server.js'),
    import('./server/check-server-options.js'),
  ])
  checkServerOptions(options)
  return server.startChatServer(options)
}
