import { once } from 'node:events'
import { startChatkeep } from '../support/chatkeep-process.js'
import { findFreePort } from '../support/replication.js'
import { until } from '../support/until.js'

export interface ChatServerProcess {
  readonly url: string
  /** Its log, so far. */
  log(): string
  stop(): Promise<void>
}

/** Starts `chatkeep serve` as a process of its own. */
export const startChatServerProcess = async (
  databaseUrl: string,
  flags: readonly string[] = [],
): Promise<ChatServerProcess> => {
  const port = await findFreePort()
  // Ten guests of one address write as fast as they can.
  const argv = ['serve', '--port', String(port), '--events-per-second', '0', ...flags]
  const child = startChatkeep(argv, { DATABASE_URL: databaseUrl })
  let log = ''
  child.stdout?.on('data', (text: Buffer) => (log += text.toString()))
  child.stderr?.on('data', (text: Buffer) => (log += text.toString()))
  const ended = once(child, 'close')
  await until(
    () => {
      if (child.exitCode !== null) throw new Error(log)
      return log.includes('listening on')
    },
    { what: 'the chat server listens' },
  )
  return {
    url: `http://127.0.0.1:${port}/chat`,
    log: () => log,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}
