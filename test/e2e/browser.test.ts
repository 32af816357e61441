import { once } from 'node:events'
import { join } from 'node:path'
import { build, type Metafile } from 'esbuild'
import { browser, withPage } from '../support/browser.js'
import { repository, startChatkeep, whenEnded } from '../support/chatkeep-process.js'
import { expect, test } from '../support/database.js'
import { withoutMessages } from '../support/socket-chat.js'
import { until } from '../support/until.js'

/** Bundles a script of a page, with `chatkeep/client` as the package has it. It fails on any module of Node. */
const bundlePage = async (
  contents: string,
): Promise<{ readonly script: string; readonly inputs: Metafile['inputs'] }> => {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: repository },
    alias: { 'chatkeep/client': join(repository, 'dist', 'client.js') },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    metafile: true,
    write: false,
    absWorkingDir: repository,
  })
  return { script: outputFiles[0]?.text ?? '', inputs: metafile.inputs }
}

test('chatkeep/client brings nothing but Socket.IO into a page', async () => {
  const { script, inputs } = await bundlePage(
    `import { createChatClient } from 'chatkeep/client'; createChatClient({})`,
  )
  const packages = Object.keys(inputs).flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [])
  expect([...new Set(packages)].sort()).toEqual([
    '@socket.io/component-emitter',
    'engine.io-client',
    'engine.io-parser',
    'socket.io-client',
    'socket.io-parser',
  ])
  expect(script.length).toBeLessThan(70_000)
})

test.skipIf(browser === undefined)(
  'a page sends through a restart of the server, and reads its chat back',
  async ({ database }) => {
    await withoutMessages(database)
    const start = async (port: number, origin: string) => {
      const argv = ['serve', '--port', String(port), '--cors-origin', origin, '--database-url', database.url]
      const child = startChatkeep(argv)
      const ended = whenEnded(child)
      const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer]
      const stop = async (): Promise<void> => {
        child.kill('SIGTERM')
        expect((await ended).code).toBe(0)
      }
      return { stop, port: Number(/:(\d+)\/chat\n$/.exec(line.toString())?.[1]) }
    }
    let server = await start(0, 'http://127.0.0.1:1')
    const { port } = server
    await server.stop()
    const toScript = async (origin: string): Promise<string> => {
      server = await start(port, origin)
      const { script } = await bundlePage(`
        import { createChatClient } from 'chatkeep/client'
        const ana = createChatClient({ url: 'http://127.0.0.1:${port}/chat', join: { role: 'client', username: 'ana' } })
        await tell(await ana.send({ message: 'before' }))
        const kept = []
        ana.on('disconnect', () => {
          for (const message of ['first', 'second']) ana.send({ message }).then((one) => kept.push(one.attempts))
          tell('disconnected')
        })
        while (kept.length < 2) await new Promise((resolve) => setTimeout(resolve, 50))
        const { messages } = await ana.ask('history')
        await tell(messages.map(({ text }) => text))`)
      return script
    }
    await withPage(toScript, async ({ origin, told }) => {
      await until(() => told.length === 1, { what: 'the first message is kept' })
      await server.stop()
      await until(() => told.length === 2, { what: 'the page notices' })
      server = await start(port, origin)
      await until(() => told.length === 3, { what: 'the page has its chat' })
      expect(told).toMatchObject([
        { queued: false, duplicate: false, attempts: 1 },
        'disconnected',
        ['before', 'first', 'second'],
      ])
    })
    await server.stop()
  },
)
