import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { platform, tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { journalInUse } from './journal-errors.js'

/** Held until it is released or its process is gone, however that ends. */
export interface JournalLock {
  release(): Promise<void>
}

/**
 * Takes the one lock of a journal. It is a local address that the process listens on: the kernel gives it to one process only
 * and takes it back when that process ends, so there is no stale lock, no process id that somebody else has by now, and no
 * file to clean up. It is named after the journal's secret id, which only those who may read the file know.
 * It holds on one machine (and in one network namespace), as the journal should.
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

// Only where such an address is a file can it be left over by a process that is gone: then nobody answers there.
const withoutLeftover = async (address: string): Promise<string> => {
  if (!isAbsolute(address) || platform() === 'win32') return address
  const socket = connect(address)
  try {
    await once(socket, 'connect')
  } catch {
    // Whatever else it may be, listening again will say so.
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
