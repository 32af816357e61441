import { randomBytes } from 'node:crypto'
import { createGuestToken, isGuestToken } from '../../protocol/identity.js'
import type { ChatIo, ChatSocket } from '../chat-io.js'

/**
 * Gives each socket the token of a guest, under which it joins unless it presents one. Socket.IO's clients (from 4.6 on) send
 * back the `pid` of their last connection when the same page or process connects again: a widget that keeps no token so stays in
 * its conversation. Unlike a cookie, no page of another site can make a browser send it, and it ends with the page.
 * @returns the token of a socket
 */
export const recogniseGuests = (io: ChatIo): ((socket: ChatSocket) => string) => {
  const tokens = new WeakMap<ChatSocket, string>()
  io.use((socket, next) => {
    const token = tokenIn(socket.handshake.auth) ?? createGuestToken()
    tokens.set(socket, token)
    // Never the same twice: to the client that would mean that it missed nothing since (`recovered`). Socket.IO sends the field
    // after this, and sets it only for its own connection state recovery.
    Object.assign(socket, { pid: `${token}.${randomBytes(6).toString('base64url')}` })
    next()
  })
  return (socket) => tokens.get(socket) ?? createGuestToken()
}

/** Whether the client named the session of an earlier connection. */
export const isReturning = ({ handshake }: ChatSocket): boolean => tokenIn(handshake.auth) !== undefined

const tokenIn = ({ pid }: Readonly<Record<string, unknown>>): string | undefined => {
  const token = typeof pid === 'string' ? pid.split('.')[0] : undefined
  return token !== undefined && isGuestToken(token) ? token : undefined
}
