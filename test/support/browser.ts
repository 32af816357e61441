import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** A browser that is installed; undefined if there is none. */
export const browser = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => spawnSync(name, ['--version']).status === 0,
)

interface Page {
  readonly origin: string
  /** What the script has told so far, by `tell(value)`. */
  readonly told: readonly unknown[]
}

/** Opens a page with a script in a headless browser. @param toScript makes the script, once the page's origin is known */
export const withPage = async (
  toScript: (origin: string) => Promise<string>,
  work: (page: Page) => Promise<void>,
): Promise<void> => {
  const told: unknown[] = []
  let script = ''
  const server = createServer((request, response) => {
    if (request.url === '/tell') void text(request).then((body) => told.push(JSON.parse(body)))
    response.setHeader('content-type', request.url === '/page.js' ? 'text/javascript' : 'text/html')
    response.end(request.url === '/page.js' ? script : '<!doctype html><script type="module" src="/page.js"></script>')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  script = `const tell = (value) => fetch('/tell', { method: 'POST', body: JSON.stringify(value) })\n${await toScript(origin)}`
  const profile = await mkdtemp(join(tmpdir(), 'chatkeep-browser-'))
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', `--user-data-dir=${profile}`]
  const child = spawn(browser ?? '', [...flags, origin], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  try {
    await work({ origin, told })
  } finally {
    child.kill('SIGKILL')
    await ended
    server.closeAllConnections()
    server.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 10 })
  }
}
