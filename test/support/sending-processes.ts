import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { NewChatMessage, SavedChatMessage } from '../../src/index.js'
import { withProgram } from './program.js'
import type { SendingOrder } from './sending-process.js'

/** How a process ended, and the answers of its store in the order of the messages. */
export interface Sent {
  readonly exitCode: number | null
  readonly stderr: string
  readonly saved: readonly SavedChatMessage[]
}

/**
 * Sends each list of messages through a store in a process of its own, all messages of all processes at once.
 * @param onGo runs at the same time as the sending
 */
export const sendFromProcesses = async (
  databaseUrl: string,
  lists: readonly (readonly NewChatMessage[])[],
  onGo: () => Promise<void>,
): Promise<readonly Sent[]> => {
  const children: ChildProcess[] = []
  return withProgram('test/support/sending-process.ts', async (program) => {
    try {
      const senders = lists.map((messages) => startSender(program, { databaseUrl, messages }))
      children.push(...senders.map(({ child }) => child))
      await Promise.all(senders.map(({ connected }) => connected))
      for (const { child } of senders) child.send('go')
      const [sent] = await Promise.all([Promise.all(senders.map(({ ended }) => ended)), onGo()])
      return sent
    } finally {
      for (const child of children) child.kill('SIGKILL')
    }
  })
}

const startSender = (program: string, order: SendingOrder) => {
  const child = fork(program, {
    env: { PATH: process.env.PATH },
    execArgv: [],
    serialization: 'advanced',
    silent: true,
  })
  let stderr = ''
  let saved: readonly SavedChatMessage[] = []
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const closed = once(child, 'close') as Promise<[number | null]>
  const ended = closed.then(([exitCode]): Sent => ({ exitCode, stderr, saved }))
  const reported = once(child, 'message').then(() => {
    child.on('message', (report) => (saved = report as readonly SavedChatMessage[]))
  })
  const failed = ended.then(({ exitCode }) => {
    throw new Error(`a sending process ended (${exitCode}) before it was connected: ${stderr}`)
  })
  // After the connection `ended` reports how it ended.
  failed.catch(() => undefined)
  child.send(order)
  return { child, connected: Promise.race([reported, failed]), ended }
}
