import type { Client } from 'pg'
import { onlyRow } from './rows.js'

/** A field of node-postgres' client that its types do not have. */
type WireClient = Client & { readonly processID: number | null }

/**
 * Whether the connection goes through a pooler. Poolers send process ids of their own, which differ from
 * `pg_backend_pid()`.
 */
export const isBehindPooler = async (client: Client): Promise<boolean> => {
  const { pid } = onlyRow(await client.query<{ pid: number }>('SELECT pg_backend_pid() AS "pid"'))
  return (client as WireClient).processID !== pid
}
