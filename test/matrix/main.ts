import { join, resolve } from 'node:path'
import { createRender, duration } from '../../src/terminal/render.js'
import { ExitCode } from '../../src/errors.js'
import { installServer } from './install-server.js'
import { type MatrixOptions, parseOptions, USAGE } from './options.js'
import { type Result, runTests } from './run-tests.js'
import { RELEASES } from './versions.js'
import { withServer } from './with-server.js'

interface Row {
  readonly version: string
  readonly ms: number
  /** The reason when the tests could not be run. */
  readonly outcome: Result | string
}

// npm runs scripts in the folder of package.json. Git and the linters ignore `dist` folders.
const repository = resolve('.')
const servers = join(repository, 'test', 'matrix', 'dist', 'servers')

const interruption = new AbortController()
process.on('SIGINT', () => interruption.abort(new Error('ended by SIGINT')))
process.on('SIGTERM', () => interruption.abort(new Error('ended by SIGTERM')))

const main = async (): Promise<number> => {
  const options = parseOptions(process.argv.slice(2))
  if (options === undefined) {
    console.error(USAGE)
    return ExitCode.usage
  }
  const rows: Row[] = []
  for (const version of options.versions) {
    rows.push(await runVersion(version, options))
    if (interruption.signal.aborted) break
  }
  console.log(renderRows(rows))
  if (interruption.signal.aborted) return ExitCode.interrupted
  return rows.every(({ outcome }) => typeof outcome !== 'string' && outcome.failed === 0) ? ExitCode.done : ExitCode.no
}

const runVersion = async (version: string, { files }: MatrixOptions): Promise<Row> => {
  const { signal } = interruption
  const startedAt = performance.now()
  const finish = (outcome: Result | string): Row => ({ version, ms: performance.now() - startedAt, outcome })
  const folder = join(servers, version)
  const release = RELEASES.get(version) ?? version
  try {
    console.error(`\nPostgreSQL ${release}`)
    await installServer(folder, release, signal)
    const reportFile = join(folder, 'report.json')
    const outcome = await withServer(repository, folder, (url) =>
      runTests({ repository, url, files, reportFile, signal }),
    )
    return finish(outcome)
  } catch (error) {
    return finish(error instanceof Error ? error.message : String(error))
  }
}

const renderRows = (rows: readonly Row[]): string => {
  const cells = rows.map(({ version, ms, outcome }) => {
    const release = RELEASES.get(version)?.replace(/\.0-.*$/, '') ?? version
    const counts =
      typeof outcome === 'string' ? ['–', '–', '–'] : [outcome.passed, outcome.failed, outcome.skipped].map(String)
    return [release, ...counts.map((text) => text.padStart(7)), duration(ms)]
  })
  const failures = rows.flatMap(({ version, outcome }) =>
    (typeof outcome === 'string' ? [outcome] : outcome.failures).map((line) => `FAIL ${version}: ${line}`),
  )
  const table = createRender(false).table(['PostgreSQL', ' passed', ' failed', 'skipped', 'time'], cells)
  return [table, ...failures].join('\n')
}

process.exitCode = await main()
