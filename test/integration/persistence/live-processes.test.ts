import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createChatStore } from '../../../src/index.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { withProxy } from '../../support/cuttable-proxy.js'
import { expect } from '../../support/database.js'
import { query, test } from '../../support/embedded-servers.js'
import { killServer } from '../../support/kill-server.js'
import type { ListeningReport } from '../../support/listening-process.js'
import { textMessage } from '../../support/load.js'
import { withProgram } from '../../support/program.js'
import { isThorough } from '../../support/thorough.js'
import { until } from '../../support/until.js'

const WRITERS = 3
const MESSAGES = isThorough ? 5_000 : 1_500
const LISTENERS = 2

const startListener = async (program: string, url: string): Promise<{ child: ChildProcess; ids: number[] }> => {
  const child = fork(program, [url], { env: { PATH: process.env.PATH }, execArgv: [], silent: true })
  const ids: number[] = []
  await once(child, 'message')
  child.on('message', (report: ListeningReport) => ids.push(Number(report)))
  return { child, ids }
}

test('two processes hear each of many messages of three writers once, while connections and the server are killed', async ({
  embedded,
}) => {
  // Durable: what the next server finds is what the killed one had flushed.
  const options = { settings: {}, dataDirectory: join(embedded.folder, 'killed') }
  let server = await embedded.start(options)
  const { exitCode } = await runChatkeep(['migrate', '--create-tables', '--database-url', server.url('postgres')])
  expect(exitCode).toBe(0)
  const rows = (sql: string) => query(server.url('postgres'), sql)
  await withProxy(server.url('postgres'), ({ url, pointAt }) =>
    withProgram('test/support/listening-process.ts', async (program) => {
      const listeners = await Promise.all(Array.from({ length: LISTENERS }, () => startListener(program, url)))
      const stores = Array.from({ length: WRITERS }, () =>
        createChatStore({ databaseUrl: url }, { deadlineMs: 60_000, applicationName: 'writer' }),
      )
      try {
        let saved = 0
        const write = async (writer: number): Promise<void> => {
          for (let n = writer; n < MESSAGES; n += WRITERS) {
            const message = { ...textMessage(`${n}`), sessionId: `s${n % 50}`, idempotencyKey: `key ${n}` }
            await stores[writer]?.saveChatMessage(message)
            saved += 1
          }
        }
        const writing = Promise.all(stores.map((_store, writer) => write(writer)))
        const reach = (share: number) => until(() => saved > share * MESSAGES, { what: `${share} of them are saved` })
        for (const [share, who] of [
          [0.1, 'chatkeep live'],
          [0.2, 'listener'],
          [0.3, 'writer'],
        ] as const) {
          await reach(share)
          await rows(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${who}'`)
        }
        await reach(0.5)
        await killServer(server)
        await server.stop()
        server = await embedded.start(options)
        pointAt(server.url('postgres'))
        await writing
        const stored = (await rows('SELECT "id" FROM "ChatMessage"')).map(({ id }) => Number(id))
        expect(stored.length).toBe(MESSAGES)
        for (const { ids } of listeners) {
          await until(() => ids.length >= MESSAGES, { what: 'all are delivered' })
          expect(new Set(ids)).toEqual(new Set(stored))
          expect(ids.length).toBe(MESSAGES)
        }
        for (const { child } of listeners) {
          child.send('end')
          expect(await once(child, 'close')).toEqual([0, null])
        }
      } finally {
        for (const { child } of listeners) child.kill('SIGKILL')
        await Promise.all(stores.map((store) => store.close()))
      }
    }),
  )
})
