import { asyncClosable, type AsyncClosable } from '../closable.js'
import { OperatorError } from '../errors.js'
import { runChatAtPath, readWebRules } from './chat-at-path.js'
import type { ChatOptions, ChatWebOptions } from './chat-options.js'
import { kindOfServer } from './check-attach-target.js'
import { runChatInNamespace, type NamespaceServer } from './chat-in-namespace.js'
import { DEFAULT_PATH } from './defaults.js'
import { claimPath, type WebServer } from './http/own-path.js'
import { maxMessageBytesOf, prepareChat } from './prepare-chat.js'

/** A Socket.IO server of the application, of whatever copy of the package. */
export interface SocketIoServer {
  of(namespace: string): object
}

export interface AttachOptions extends ChatOptions, ChatWebOptions {
  /** Where clients find the chat on an HTTP server; `/chat` when absent. */
  readonly path?: string | undefined
  /** The namespace of the chat on a Socket.IO server; `/chat` when absent. */
  readonly namespace?: string | undefined
}

export interface AttachedChat extends AsyncClosable {
  /**
   * Lets nobody new in, lets the requests in flight finish and be acknowledged, and ends the connections of the chat; takes about 9
   * seconds at most. Those of a Socket.IO server are left to its own `close`; the chat's sockets end after 5 seconds at the latest.
   * May be called twice. Server and store stay open.
   */
  close(): Promise<void>
}

/**
 * Runs a chat on a server of the application.
 * @throws OperatorError `invalid_option`, `unusable_operator_secret`, `unusable_operators`, or what is wrong with the journal
 */
export const attachChat = async (to: WebServer | SocketIoServer, options: AttachOptions): Promise<AttachedChat> => {
  const isSocketIo = kindOfServer(to) === 'socket.io'
  refuseMisplaced(options, isSocketIo ? OF_HTTP : OF_SOCKET_IO)
  if (isSocketIo) {
    // What events the application declares does not matter in a namespace that it leaves to the chat.
    const server = to as unknown as NamespaceServer
    const chat = await runChatInNamespace(server, {
      name: options.namespace ?? DEFAULT_PATH,
      maxMessageBytes: maxMessageBytesOf(options),
      prepare: () => prepareChat(options),
    })
    return asyncClosable({ close: () => chat.close() })
  }
  const web = readWebRules(options, 'localhost')
  const own = claimPath(to as WebServer, options.path ?? DEFAULT_PATH)
  const prepared = await prepareChat(options).catch((error: unknown) => {
    own.close()
    throw error
  })
  const chat = runChatAtPath(prepared, { own, web, transports: options.transports })
  return asyncClosable({ close: () => chat.close() })
}

/** Options for one kind of server, and what to do about them on the other. */
interface Misplaced {
  readonly kind: string
  readonly hints: Readonly<Partial<Record<keyof AttachOptions, string>>>
}

const SET_THERE = 'set it on the Socket.IO server itself'

const OF_HTTP: Misplaced = {
  kind: 'an HTTP server',
  hints: {
    path: SET_THERE,
    corsOrigin: SET_THERE,
    publicHost: SET_THERE,
    transports: SET_THERE,
    maxUnreadCharacters: 'leave it out: the connections are not of the chat alone',
  },
}

const OF_SOCKET_IO: Misplaced = { kind: 'a Socket.IO server', hints: { namespace: 'use the option path' } }

const refuseMisplaced = (options: AttachOptions, { kind, hints }: Misplaced): void => {
  for (const [name, hint] of Object.entries(hints))
    if (options[name as keyof AttachOptions] !== undefined)
      throw new OperatorError('invalid_option', `the option ${name} is for ${kind}`, { hint })
}
