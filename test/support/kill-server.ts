import type { EmbeddedServer } from '../../src/database/embedded/embedded-server.js'
import { killFamily, readPostmasterPid } from './process-tree.js'

/** Kills a server and every process of it at once, as an out-of-memory killer or a pulled plug does: none can save anything. */
export const killServer = async ({ dataDirectory }: EmbeddedServer): Promise<void> => {
  await killFamily(await readPostmasterPid(dataDirectory))
}
