import type { EmbeddedServer } from '../../src/database/embedded/embedded-server.js'
import { killFamily, readPostmasterPid } from './process-tree.js'

/** Kills all processes of a server at once, as a power failure does: none can write anything more. */
export const killServer = async ({ dataDirectory }: EmbeddedServer): Promise<void> => {
  await killFamily(await readPostmasterPid(dataDirectory))
}
