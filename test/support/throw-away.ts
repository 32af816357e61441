import { statfs } from 'node:fs/promises'
import type { EmbeddedServerOptions } from '../../src/database/embedded/embedded-server.js'

/**
 * Without durability a test waits for no disk; synchronous_commit stays on, because code under test reads it.
 * Autovacuum would analyse a template at some moment of the run, and its copies would differ.
 */
export const throwAwaySettings = { fsync: 'off', full_page_writes: 'off', autovacuum_naptime: '1h' }

/** How to start a server whose data is thrown away. */
export const throwAwayServer = async (): Promise<Pick<EmbeddedServerOptions, 'settings' | 'temporaryParent'>> => ({
  settings: throwAwaySettings,
  temporaryParent: await findMemory(),
})

/** A file system in memory, unless it is small, as in containers: CREATE DATABASE takes 25 ms there, 230 ms on a busy disk. */
const findMemory = async (): Promise<string | undefined> => {
  const folder = '/dev/shm'
  const space = await statfs(folder).catch(() => undefined)
  return space && space.bavail * space.bsize > 4 * 1024 ** 3 ? folder : undefined
}
