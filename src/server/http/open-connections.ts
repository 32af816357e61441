import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** The TCP connections that are open, kept up to date. */
export const trackConnections = (http: Server): ReadonlySet<Socket> => {
  const connections = new Set<Socket>()
  http.on('connection', (connection) => {
    connections.add(connection)
    connection.once('close', () => connections.delete(connection))
  })
  return connections
}
