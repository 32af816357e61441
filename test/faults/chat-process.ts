import { ADDRESSES_UNLIMITED, LIMITS, type LimitName } from '../../src/server/protection/limits.js'
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { packageRoot } from '../../src/package-root.js'
import type { Guard } from './guard.js'

/** `chatkeep serve` as a process of its own, which dies, stands still, and is started again as a service manager would. */
export interface ChatProcess {
  /** Where it keeps what the database cannot take. */
  readonly journal: string
  /** Starts it, again and again while it cannot; resolves when it listens. */
  readonly start: () => Promise<void>
  /** Where it listens. */
  readonly url: () => string
  /** At once, whatever it is doing; `start` waits for its end. */
  readonly kill: () => void
  readonly freeze: () => void
  readonly thaw: () => void
  /** SIGTERM; resolves to its exit code. */
  readonly terminate: () => Promise<number | null>
  /** Resolves when it is gone, by which signal or code it may be. */
  readonly ended: () => Promise<string>
  /** Lets no file of it grow beyond this, as a full disk does; `unlimited` ends that. */
  readonly limitFiles: (bytes: number | 'unlimited') => Promise<void>
  /** How often its log names this event. */
  readonly countEvents: (event: string) => Promise<number>
  /** Ends it for good. */
  readonly close: () => Promise<void>
  /** Ends that nobody here has caused. */
  readonly unexpectedEnds: () => readonly string[]
}

export interface ChatProcessOptions {
  readonly name: string
  readonly folder: string
  readonly databaseUrl: string
  readonly operatorSecret: string
  readonly signal: AbortSignal
  readonly guard: Guard
  /** Told where it listens, each time that it was started. */
  readonly onListening: (url: string) => void
}

export const binary = join(packageRoot(), 'bin', 'chatkeep.js')

const RETRY_MS = 200

export const createChatProcess = (options: ChatProcessOptions): ChatProcess => {
  const { name, folder, signal, guard, onListening } = options
  const logFile = join(folder, `${name}.log`)
  const journal = join(folder, `journal-${name}.ndjson`)
  const unexpected: string[] = []
  let child: ChildProcess | undefined
  let ended: Promise<string> = Promise.resolve('not started')
  let isWanted = false
  let isClosed = false
  let listening = ''

  const spawnOnce = async (): Promise<string | undefined> => {
    const log = await open(logFile, 'a')
    const own = spawn(process.execPath, [binary, ...argumentsFor(options, journal)], {
      cwd: folder,
      env: { PATH: process.env.PATH, CHATKEEP_OPERATOR_SECRET: options.operatorSecret },
      stdio: ['ignore', 'pipe', log.fd],
      // Ctrl-C is for the campaign, which ends it itself.
      detached: true,
    })
    await log.close()
    guard.watch(own)
    child = own
    let wasListening = false
    ended = once(own, 'exit').then(([code, endSignal]: (string | number | null)[]) => {
      const end = String(endSignal ?? `exit code ${code}`)
      if (isWanted && wasListening) {
        unexpected.push(`server ${name} ended by itself: ${end}`)
        // As a service manager does; whoever ends the campaign ends that, too.
        setImmediate(() => void start().catch(() => undefined))
      }
      return end
    })
    const url = await Promise.race([readUrl(own), ended.then(() => undefined)])
    wasListening = url !== undefined
    return url
  }
  const endWith = (endSignal: NodeJS.Signals): void => {
    isWanted = false
    child?.kill(endSignal)
  }

  const start = async (): Promise<void> => {
    await ended
    for (;;) {
      signal.throwIfAborted()
      if (isClosed) return
      isWanted = true
      const url = await spawnOnce()
      if (url !== undefined) {
        listening = url
        onListening(url)
        return
      }
      await delay(RETRY_MS)
    }
  }

  return {
    journal,
    start,
    url: () => listening,
    kill: () => endWith('SIGKILL'),
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    terminate: async () => {
      endWith('SIGTERM')
      await ended
      return child?.exitCode ?? null
    },
    ended: () => ended,
    limitFiles: async (bytes) => {
      await promisify(execFile)('prlimit', [`--pid=${child?.pid}`, `--fsize=${bytes}:`])
    },
    countEvents: async (event) => (await readFile(logFile, 'utf8')).split(`"event":"${event}"`).length - 1,
    close: async () => {
      isClosed = true
      endWith('SIGKILL')
      await ended
    },
    unexpectedEnds: () => unexpected,
  }
}

const argumentsFor = ({ databaseUrl }: ChatProcessOptions, journal: string): readonly string[] => [
  ...['serve', '--port', '0', '--json', '--journal', journal, '--database-url', databaseUrl],
  ...['--adapter', 'postgres', '--events-per-second', '0'],
  // The whole crowd comes from one address.
  ...Object.entries(ADDRESSES_UNLIMITED).flatMap(([name, value]) => [LIMITS[name as LimitName].flag, String(value)]),
]

const readUrl = async (child: ChildProcess): Promise<string | undefined> => {
  let output = ''
  for await (const text of child.stdout ?? []) {
    output += String(text)
    const url = /"url":\s*"([^"]+)"/.exec(output)?.[1]
    if (url === undefined) continue
    child.stdout?.resume()
    return url
  }
  return undefined
}

/** Runs one command of the program to its end. */
export const runCommand = async (argv: readonly string[], signal: AbortSignal, guard: Guard): Promise<CommandEnd> => {
  const child = spawn(process.execPath, [binary, ...argv], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    signal,
  })
  guard.watch(child)
  let stderr = ''
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
  const [exitCode] = (await once(child, 'close')) as [number | null]
  return { exitCode, stderr }
}

export interface CommandEnd {
  readonly exitCode: number | null
  readonly stderr: string
}
