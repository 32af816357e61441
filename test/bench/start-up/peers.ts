import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Bench } from '../scenario.js'
import { withDatabase } from '../server.js'
import { runStart, type Start } from './start.js'

const run = promisify(execFile)

/** Pinned, so that runs on two days can be compared; `pg` is what node-pg-migrate asks for besides. */
const PACKAGES = ['node-pg-migrate@9.0.0', 'graphile-migrate@1.4.1', 'dbmate@2.36.0', 'pg@8.23.1']

const INSTALL_TIMEOUT_MS = 120_000

/**
 * Installs the other tools in a temporary folder, gives each a ready database, and passes on what is comparable to `verify`:
 * what says that there is nothing to do. Without them, when the packages cannot be had.
 */
export const withPeers = async (
  bench: Bench,
  reporter: string,
  work: (starts: readonly Start[]) => Promise<void>,
): Promise<void> => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'chatkeep-peers-')))
  try {
    if (await isInstalled(bench, folder))
      await withDatabase(bench, 'peers', async ({ url }) => work(await preparePeers(bench, reporter, { folder, url })))
    else await work([])
  } finally {
    await rm(folder, { recursive: true })
  }
}

const isInstalled = async ({ process: { env }, progress, signal }: Bench, folder: string): Promise<boolean> => {
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  try {
    await run('npm', ['install', '--no-audit', '--no-fund', '--silent', ...PACKAGES], {
      cwd: folder,
      env: { PATH: env.PATH, HOME: env.HOME },
      timeout: INSTALL_TIMEOUT_MS,
      signal,
    })
    return true
  } catch (error) {
    signal.throwIfAborted()
    const [reason = ''] = error instanceof Error ? error.message.split('\n') : []
    progress.line(`cli: the other tools are skipped, because they could not be installed: ${reason}`)
    return false
  }
}

const MIGRATIONS: readonly (readonly [file: string, text: string])[] = [
  ['db/migrations/1_one.sql', '-- migrate:up\nCREATE TABLE dbmate_one ();\n-- migrate:down\n'],
  ['migrations/1_one.sql', '-- Up Migration\nCREATE TABLE node_one ();\n'],
  ['migrations/current.sql', ''],
  ['.gmrc', '{}'],
]

const preparePeers = async (
  bench: Bench,
  reporter: string,
  { folder, url: databaseUrl }: { readonly folder: string; readonly url: string },
): Promise<readonly Start[]> => {
  const url = new URL(databaseUrl)
  url.search = 'sslmode=disable'
  const shadow = new URL(url)
  shadow.pathname = '/peers_shadow'
  // graphile-migrate only looks whether the second is named.
  const env = { DATABASE_URL: url.href, SHADOW_DATABASE_URL: shadow.href }
  const start = (commandLine: string, says: RegExp): Start => {
    const [name = '', ...rest] = commandLine.split(' ')
    const argv = [join(folder, 'node_modules', '.bin', name), ...rest]
    return { title: commandLine, argv, env, cwd: folder, says }
  }
  for (const path of ['db/migrations', 'migrations/committed']) await mkdir(join(folder, path), { recursive: true })
  for (const [file, text] of MIGRATIONS) await writeFile(join(folder, file), text)
  const up = 'node-pg-migrate up --ignore-pattern committed|current.sql'
  await runStart(bench, reporter, start(up, /Migrations complete/))
  await runStart(bench, reporter, start('graphile-migrate migrate', /Up to date/))
  await runStart(bench, reporter, start('dbmate --no-dump-schema up', /Applied/))
  return [
    start('node-pg-migrate --version', /9\.0\.0/),
    start(up, /No migrations to run/),
    start('graphile-migrate --version', /1\.4\.1/),
    start('graphile-migrate status', /Up to date/),
    start('dbmate --version', /2\.36\.0/),
    start('dbmate status', /Pending: 0/),
  ]
}
