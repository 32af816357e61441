import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { ClientBase } from 'pg'
import { isTlsSocket } from './target/node-tls.js'
import { requestCancel, type CancelOutcome, type Reach } from './open-stream.js'
import { isServerError } from './sql-state.js'
import { TargetClient } from './target-client.js'

/** What a client of node-postgres keeps of its session; its types have none of it. A client of another kind may lack each. */
interface Wire {
  readonly host?: string
  readonly port?: number
  readonly ssl?: boolean | object
  readonly sslNegotiation?: string
  readonly processID?: number | null
  readonly secretKey?: number | null
  /** False while a statement runs. */
  readonly readyForQuery?: boolean
  _queryable?: boolean
  readonly connection?: EventEmitter & { readonly stream?: Socket }
}

const wireOf = (client: ClientBase): Wire => client as unknown as Wire

/** How long a cancel request may take to reach the server, and then the statement to end. */
const PATIENCE_MS = 1_000

/**
 * What became of a session that was given up. `idle`: no statement ran. `cancelled`: the cancel request was taken, and the statement is over.
 * `left`: it may still run in the server.
 */
export type Ended = 'idle' | 'cancelled' | 'ended' | 'left'

/**
 * Ends the statement of a session that is given up, in the server: a commit that waits for a standby does not notice that its
 * client is gone. Nothing else can be run on the client. Takes a second at most, and never fails.
 */
export const endSession = async (client: ClientBase): Promise<Ended> => {
  const wire = wireOf(client)
  wire._queryable = false
  if (wire.readyForQuery !== false) return 'idle'
  const gaveUp = new AbortController()
  const tooLate = delay(PATIENCE_MS, 'left' as const, { signal: gaveUp.signal }).catch(() => 'left' as const)
  const ended = Promise.race([tooLate, cancelAndWait(client, wire)])
  return ended.finally(() => gaveUp.abort())
}

/** The same after an error: the server has ended a statement for which it reported one. */
export const endAfter = async (client: ClientBase, error: unknown): Promise<Ended> =>
  isServerError(error) ? 'ended' : endSession(client)

const cancelAndWait = async (client: ClientBase, { connection }: Wire): Promise<Ended> => {
  const { stream } = connection ?? {}
  const isCut = stream === undefined || stream.destroyed
  const answered = new Promise<'readyForQuery' | 'end'>((resolve) => {
    const settle = (event: 'readyForQuery' | 'end') => (): void => {
      for (const [name, listener] of listeners) connection?.off(name, listener)
      resolve(event)
    }
    const listeners = (['readyForQuery', 'end'] as const).map((name) => [name, settle(name)] as const)
    for (const [name, listener] of listeners) connection?.on(name, listener)
  })
  const outcome = await cancelStatement(client)
  if (outcome === 'no_server' || (isCut && outcome === 'taken')) return 'ended'
  if (isCut) return 'left'
  return (await answered) === 'readyForQuery' && outcome === 'taken' ? 'cancelled' : 'ended'
}

/** Lets statements be run again on a session that was given up. @returns whether it is still connected */
export const reopenSession = (client: ClientBase): boolean => {
  const wire = wireOf(client)
  wire._queryable = wire.connection?.stream?.writable === true
  return wire._queryable
}

/** Asks the server to cancel the client's running statement. */
export const cancelStatement = async (client: ClientBase): Promise<CancelOutcome> => {
  const { processID, secretKey } = wireOf(client)
  const reach = client instanceof TargetClient ? client.reach : reachOf(wireOf(client))
  // Nothing to identify the session by: the statement goes on.
  if (reach === undefined || processID == null || secretKey == null) return 'unknown'
  return requestCancel(reach, { processId: processID, secretKey }, PATIENCE_MS)
}

/** A client of a caller's pool: at the same address, and with TLS if its session has it. */
const reachOf = ({ host, port, ssl, sslNegotiation, connection }: Wire): Reach | undefined => {
  const { stream } = connection ?? {}
  if (host === undefined || port === undefined) return undefined
  return {
    place: { host, port, at: stream?.remoteAddress ?? host },
    way: isTlsSocket(stream) ? 'tls' : 'plain',
    tls: {
      ways: ['tls'],
      negotiation: sslNegotiation === 'direct' ? 'direct' : 'postgres',
      sendsName: true,
      options: typeof ssl === 'object' ? ssl : {},
    },
  }
}

/** Drops a connection whose peer does not answer, for which node-postgres has no public way. */
export const destroySocket = (client: ClientBase): void => {
  wireOf(client).connection?.stream?.destroy()
}
