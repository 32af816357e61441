import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EmbeddedServer } from '../../src/database/embedded/embedded-server.js'
import type { EmbeddedServers } from './embedded-servers.js'

/** Starts a server, prepares it, and starts it again as a standby, which nobody sends anything. */
export const startStandby = async (
  embedded: EmbeddedServers,
  prepare: (primary: EmbeddedServer) => Promise<unknown>,
): Promise<EmbeddedServer> => {
  const dataDirectory = join(embedded.folder, 'standby')
  const primary = await embedded.start({ dataDirectory })
  await prepare(primary)
  await primary.stop()
  await writeFile(join(dataDirectory, 'data', 'standby.signal'), '', { mode: 0o644 })
  return embedded.start({ dataDirectory })
}
