import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { createCounts } from './counts.js'
import { toCountedAddress } from './remote-address.js'

/** A connection that has sent no whole request head by then is ended by Node, which looks every second. */
export const SILENCE_LIMITS = { headersTimeout: 10_000, connectionsCheckingInterval: 1_000 }

/** Limits the TCP connections of one peer that have sent no request yet; a proxy always sends one. */
export const limitSilentConnections = (http: Server, most: number, onRefused: (address: string) => void): void => {
  const silent = createCounts()
  const waiting = new Map<Socket, string>()
  const release = (socket: Socket): void => {
    const address = waiting.get(socket)
    if (address === undefined) return
    waiting.delete(socket)
    silent.remove(address)
  }
  http.on('connection', (socket) => {
    const address = toCountedAddress(socket.remoteAddress)
    if (silent.of(address) >= most) {
      onRefused(address)
      socket.destroy()
      return
    }
    silent.add(address)
    waiting.set(socket, address)
    socket.once('close', () => release(socket))
  })
  http.on('request', ({ socket }) => release(socket))
  http.on('upgrade', ({ socket }) => release(socket))
}
