import type { Client } from 'pg'
import { onlyRow } from './rows.js'

/** A client as node-postgres makes it; its types do not show this. */
type WireClient = Client & { readonly processID: number | null }

/**
 * Whether the connection goes through a pooler: poolers hand out keys of their own, so what the driver was told at its start
 * differs from what the server's session says.
 */
export const isBehindPooler = async (client: Client): Promise<boolean> => {
  const { pid } = onlyRow(await client.query<{ pid: number }>('SELECT pg_backend_pid() AS "pid"'))
  return (client as WireClient).processID !== pid
}
