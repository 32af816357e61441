import { once } from 'node:events'
import { readlink, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { platform, tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** Held until it is released or its process ends. */
export interface FileLock {
  release(): Promise<void>
}

/** Why a lock was not taken: it is held. */
export interface HeldLock {
  /** The id of the process that holds it, where that is known. */
  readonly holder: number | undefined
  /** This process holds it itself. */
  readonly isOwn: boolean
}

/** The names of the locks of this process. Its id does not tell: containers that share a network may each have a process 1. */
const ownNames = new Set<string>()

export const isHeld = (lock: FileLock | HeldLock): lock is HeldLock => 'holder' in lock

/**
 * Takes a lock: a local address on which the process listens, and tells its process id. The kernel gives it to one process only and
 * frees it when that process ends, so there are no stale locks, no reused process ids and no files to clean up. It works within one
 * machine (and one network namespace).
 * @param name known only to those who may hold it: whoever else knows it could keep them from it
 */
export const takeLock = async (name: string): Promise<FileLock | HeldLock> => {
  const address = addressOf(name)
  const server = (await tryToListen(address)) ?? (await tryToListen(await withoutLeftover(address)))
  if (server === undefined) return { holder: await askHolder(address), isOwn: ownNames.has(name) }
  server.unref()
  ownNames.add(name)
  return {
    release: async () => {
      await closed(server)
      ownNames.delete(name)
    },
  }
}

const addressOf = (name: string): string => {
  if (platform() === 'linux') return `\0${name}`
  return platform() === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), name)
}

const tryToListen = async (address: string): Promise<Server | undefined> => {
  const server = createServer((connection) => {
    connection.on('error', () => connection.destroy())
    void ownProcess().then((id) => connection.end(id, () => connection.destroy()))
  })
  try {
    server.listen({ path: address })
    await once(server, 'listening')
    return server
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined
    throw error
  }
}

/** The id of this process, on Linux; elsewhere nobody is told. */
const ownProcess = (): Promise<string> => readlink('/proc/self').catch(() => '')

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

/** A process that is stopped does not answer. */
const PATIENCE_MS = 1_000
const MOST_DIGITS = 10

const askHolder = async (address: string): Promise<number | undefined> => {
  const socket = connect(address).setTimeout(PATIENCE_MS, () => socket.destroy(new Error('no answer')))
  let answer = ''
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      answer += chunk.toString('latin1')
      if (answer.length > MOST_DIGITS) return undefined
    }
    return /^\d+$/.test(answer) ? Number(answer) : undefined
  } catch {
    // Its number is only a help.
    return undefined
  } finally {
    socket.destroy()
  }
}

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
  })
