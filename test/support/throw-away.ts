import { statfs } from 'node:fs/promises'
import type { EmbeddedServerOptions } from '../../src/database/embedded/embedded-server.js'

/** Without durability a test waits for no disk; synchronous_commit keeps its name, because code under test looks at it. */
export const throwAwaySettings = { fsync: 'off', full_page_writes: 'off' }

/** Of a server whose data nobody will miss. */
export const throwAwayServer = async (): Promise<Pick<EmbeddedServerOptions, 'settings' | 'temporaryParent'>> => ({
  settings: throwAwaySettings,
  temporaryParent: await findMemory(),
})

/** A file system in memory: on a busy disk CREATE DATABASE took 230 ms, there 25 ms. Small ones, as containers have, will not do. */
const findMemory = async (): Promise<string | undefined> => {
  const folder = '/dev/shm'
  const space = await statfs(folder).catch(() => undefined)
  return space && space.bavail * space.bsize > 4 * 1024 ** 3 ? folder : undefined
}
