// A process that owns an embedded server, for tests that kill it: bundled and started by `embedded-server.test.ts`.
// Tells on stdout what became of the start, lets the server run until stdin ends, and gives up starting on SIGTERM.
import { once } from 'node:events'
import { OperatorError } from '../../src/errors.js'
import { type EmbeddedServerOptions, startEmbeddedServer } from '../../src/database/embedded/embedded-server.js'

export type OwnerReport =
  | { readonly url: string; readonly dataDirectory: string }
  | { readonly error: { readonly code: string; readonly message: string; readonly hint: string | undefined } }

const report = (outcome: OwnerReport) => process.stdout.write(`${JSON.stringify(outcome)}\n`)

const abort = new AbortController()
process.once('SIGTERM', () => abort.abort(new Error('terminated')))
// As a program does that wants to finish its work first.
process.on('SIGINT', () => undefined)

try {
  const options = JSON.parse(process.argv[2] ?? '{}') as Partial<EmbeddedServerOptions>
  const server = await startEmbeddedServer({ ...options, ownerPid: process.pid, signal: abort.signal })
  report({ url: server.url('postgres'), dataDirectory: server.dataDirectory })
  process.stdin.resume()
  await once(process.stdin, 'end')
  await server.stop()
} catch (error) {
  const { message } = error as Error
  const { code, hint } = error instanceof OperatorError ? error : { code: 'none', hint: undefined }
  report({ error: { code, message, hint } })
}
process.stdin.destroy()
