// A process that owns an embedded server, for tests that kill it: bundled and started by `embedded-server.test.ts`.
// Reports the outcome of the start on stdout, stops the server when stdin ends, and aborts the start on SIGTERM.
import { once } from 'node:events'
import { OperatorError } from '../../src/errors.js'
import { type EmbeddedServerOptions, startEmbeddedServer } from '../../src/database/embedded/embedded-server.js'

export type OwnerReport =
  | { readonly url: string; readonly dataDirectory: string }
  | { readonly error: { readonly code: string; readonly message: string; readonly hint: string | undefined } }

const report = (outcome: OwnerReport) => process.stdout.write(`${JSON.stringify(outcome)}\n`)

const abort = new AbortController()
process.once('SIGTERM', () => abort.abort(new Error('terminated')))
// Ignored, as by a program that finishes its work first.
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
