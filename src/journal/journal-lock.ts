import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { platform, tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { journalInUse } from './journal-errors.js'

/** Held until it is released or its process ends. */
export interface JournalLock {
  release(): Promise<void>
}

/**
 * Takes the lock of a journal: a local address on which the process listens. The kernel gives it to one process only and frees
 * it when that process ends, so there are no stale locks, no reused process ids and no files to clean up. Its name contains
 * the journal's id, which only users with read access to the file know. The lock works within one machine (and one network
 * namespace); a journal belongs on a local disk.
 * @throws OperatorError `journal_in_use`
 */
export const lockJournal = async (id: string, path: string): Promise<JournalLock> => {
  const address = addressOf(id)
  const server = (await tryToListen(address)) ?? (await tryToListen(await withoutLeftover(address)))
  if (server === undefined) throw journalInUse(path)
  server.unref()
  return { release: () => closed(server) }
}

const addressOf = (id: string): string => {
  const name = `chatkeep-journal-${id}`
  if (platform() === 'linux') return `\0${name}`
  return platform() === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), name)
}

const tryToListen = async (address: string): Promise<Server | undefined> => {
  const server = createServer((connection) => connection.destroy())
  try {
    server.listen({ path: address })
    await once(server, 'listening')
    return server
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined
    throw error
  }
}

// Where the address is a file, a process may have left it behind; then no process accepts connections on it.
const withoutLeftover = async (address: string): Promise<string> => {
  if (!isAbsolute(address) || platform() === 'win32') return address
  const socket = connect(address)
  try {
    await once(socket, 'connect')
  } catch {
    // If it is anything else, listening again reports it.
    await rm(address, { force: true })
  } finally {
    socket.destroy()
  }
  return address
}

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
  })
