import type { Client, ClientBase } from 'pg'
import type { Queryable } from './connection.js'
import { onlyRow } from './rows.js'

/** Fields of node-postgres' client that its types do not have. */
type WireClient = Client & {
  readonly processID: number | null
  readonly connection: { readonly stream: { readonly localPort?: number } }
}

interface Backend {
  readonly pid: number
  /** The port that the server sees its client at; null for a Unix-domain socket. */
  readonly port: number | null
}

const readBackend = async (client: Pick<Queryable, 'query'>): Promise<Backend> =>
  onlyRow(
    await client.query<Backend>('SELECT pg_catalog.pg_backend_pid() AS "pid", pg_catalog.inet_client_port() AS "port"'),
  )

/** The process id of the client's server session. Behind a pooler, node-postgres knows another. */
export const serverProcessId = async (client: Queryable): Promise<number> => (await readBackend(client)).pid

/**
 * What stands between client and server. `pooler`: it gives out sessions, with process ids of its own. `relay`: it passes a
 * connection on, as HAProxy, an SSH tunnel or Docker do. Behind a Unix-domain socket only the process id tells.
 */
export const betweenClientAndServer = async (client: Client): Promise<'nothing' | 'relay' | 'pooler'> => {
  const { pid, port } = await readBackend(client)
  const { processID, connection } = client as WireClient
  if (processID !== pid) return 'pooler'
  const ownPort = connection.stream.localPort
  return port === (ownPort ?? null) ? 'nothing' : 'relay'
}

/**
 * Whether nothing stands between client and server. A proxy has a port of its own, and most poolers send process ids of
 * their own as well. Settings of a session behind one may belong to other clients too; those of a transaction never do.
 */
export const isDirect = async (client: ClientBase): Promise<boolean> => {
  const { pid, port } = await readBackend(client)
  const { processID, connection } = client as unknown as WireClient
  return processID === pid && port !== null && connection.stream.localPort === port
}
