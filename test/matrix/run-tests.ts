import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'

/** The outcome of the tests on one server. */
export interface Result {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** Files that could not be run, and tests that failed. */
  readonly failures: readonly string[]
}

export interface TestRun {
  readonly repository: string
  readonly url: string
  /** Parts of file paths, of which a file must match one; all files when empty. */
  readonly files: readonly string[]
  readonly reportFile: string
  readonly signal: AbortSignal
}

/** Runs the tests on a running server. */
export const runTests = async ({ repository, url, files, reportFile, signal }: TestRun): Promise<Result> => {
  signal.throwIfAborted()
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`]
  await rm(reportFile, { force: true })
  const child = spawn(
    process.execPath,
    [vitest, 'run', '--config', 'test/vitest.config.ts', ...reporters, ...files],
    // stdout is for the table only.
    { cwd: repository, env: { ...process.env, TEST_DATABASE_URL: url }, stdio: ['ignore', 2, 2] },
  )
  const end = (): boolean => child.kill('SIGINT')
  signal.addEventListener('abort', end, { once: true })
  await once(child, 'close')
  signal.removeEventListener('abort', end)
  signal.throwIfAborted()
  const report = await readFile(reportFile, 'utf8').catch(() => undefined)
  if (report === undefined) throw new Error('the tests did not run to their end')
  const result = summarise(repository, JSON.parse(report) as Report)
  if (result.passed + result.failed === 0) throw new Error(`no test was run: ${files.join(', ')}`)
  return result
}

/** The part of vitest's JSON report that we need. */
interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

const summarise = (repository: string, report: Report): Result => {
  const failures = report.testResults.flatMap(({ name, status, assertionResults }) => {
    const file = relative(repository, name)
    const tests = assertionResults.filter((test) => test.status === 'failed')
    if (status === 'failed' && tests.length === 0) return [`${file}: could not be run`]
    return tests.map(({ fullName }) => `${file}: ${fullName}`)
  })
  return {
    passed: report.numPassedTests,
    // A file that cannot be loaded fails without a failed test.
    failed: Math.max(report.numFailedTests, failures.length),
    skipped: report.numPendingTests + report.numTodoTests,
    failures,
  }
}
