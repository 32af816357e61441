import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { until } from './until.js'

const SCRIPT = fileURLToPath(new URL('python-client.py', import.meta.url))

const hasLibrary = (python: string): boolean => {
  try {
    execFileSync(python, ['-c', 'import socketio, aiohttp'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A Python that has python-socketio, of those that systems have; undefined where there is none. */
export const python = ['python3', '/usr/bin/python3'].find(hasLibrary)

export interface PythonClient {
  /** Emits, and returns the acknowledgement. */
  readonly call: (event: string, payload?: object) => Promise<unknown>
  readonly emit: (event: string, payload?: object) => void
  /** Payloads of one event so far. */
  readonly all: (event: string) => readonly unknown[]
  /** Waits until the event has come that many times. @returns the payload of the last one */
  readonly next: (event: string, count?: number) => Promise<unknown>
}

/** Connects a client of python-socketio that joins in the handshake. */
export const withPythonClient = async (
  { port, transport, join }: { readonly port: number; readonly transport: string; readonly join: object },
  work: (client: PythonClient) => Promise<void>,
): Promise<void> => {
  const child = spawn(python ?? 'python3', [SCRIPT, `http://127.0.0.1:${port}`, transport, JSON.stringify(join)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const told: (readonly [event: string, payload: unknown])[] = []
  createInterface({ input: child.stdout }).on('line', (line) => told.push(JSON.parse(line) as [string, unknown]))
  const all = (event: string): readonly unknown[] =>
    told.flatMap(([name, payload]) => (name === event ? [payload] : []))
  const hasFailed = (): boolean => child.exitCode !== null || all('failed').length > 0
  const next = async (event: string, count = 1): Promise<unknown> => {
    await until(() => all(event).length >= count || hasFailed(), { what: `${count} of ${event}` })
    if (all(event).length < count) throw new Error(`the client failed: ${all('failed').join() || 'see its stderr'}`)
    return all(event)[count - 1]
  }
  const say = (command: string, event: string, payload: object | null): void => {
    child.stdin.write(`${JSON.stringify([command, event, payload])}\n`)
  }
  try {
    await work({
      ...{ all, next },
      emit: (event, payload) => say('emit', event, payload ?? null),
      call: (event, payload) => {
        const { length } = all('answer')
        say('call', event, payload ?? null)
        return next('answer', length + 1)
      },
    })
  } finally {
    child.stdin.end()
    child.kill()
    await ended
  }
}
