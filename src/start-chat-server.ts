import type { ChatServer, ChatServerOptions } from './server/chat-server.js'

/** What an application may set of a chat server in its own process. */
export type StartChatServerOptions = Omit<ChatServerOptions, 'adapter' | 'metrics' | 'recorder'>

/**
 * Starts a chat server in this process, as `chatkeep serve` does in one of its own; resolves when it listens. The server's
 * packages are loaded by the first call.
 * @throws OperatorError `unusable_operator_secret`, `unusable_operators`, `address_in_use`, `address_not_available`,
 *   `address_not_permitted`, `cannot_listen`, or what is wrong with the journal
 */
export const startChatServer = async (options: StartChatServerOptions): Promise<ChatServer> => {
  const server = await import('./server/chat-server.js')
  return server.startChatServer(options)
}
