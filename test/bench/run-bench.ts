import { createProgress, type Progress } from '../../src/terminal/progress.js'
import { createRender, duration, wantsColour } from '../../src/terminal/render.js'
import { reportFailure } from '../../src/cli/report-failure.js'
import { renderError, toErrorDocument, type ErrorDocument } from '../../src/terminal/error-document.js'
import { ExitCode } from '../../src/errors.js'
import type { BenchProcess } from './bench-process.js'
import { describeMachine } from './machine.js'
import { createMeter } from './meter.js'
import { parseOptions } from './options.js'
import { renderReport } from './render-report.js'
import type { Bench, BenchOptions, Row, Scenario } from './scenario.js'
import { scenarios } from './scenarios/index.js'
import { withBenchServer, type BenchServer } from './server.js'

/**
 * Runs one command line of the benchmark.
 * @returns the exit code: 0 when every scenario could be measured and kept every message, 1 when one failed; nothing is thrown
 */
export const runBench = async (process: BenchProcess): Promise<number> => {
  const progress = createProgress(process.stderr, {
    redraws: process.stderr.isTTY,
    width: () => process.stderr.columns ?? 80,
  })
  try {
    const options = parseOptions(process)
    if (options === null) return ExitCode.done
    return await withBenchServer(process, progress, (server) => measure(process, options, server, progress))
  } catch (error) {
    progress.clear()
    return reportFailure(process.signal.aborted ? process.signal.reason : error, 'bench', process)
  }
}

interface Failure {
  readonly scenario: string
  readonly error: ErrorDocument
}

const measure = async (
  process: BenchProcess,
  options: BenchOptions,
  server: BenchServer,
  progress: Progress,
): Promise<number> => {
  const { signal } = process
  const machine = describeMachine(process, server)
  const rows: Row[] = []
  const failures: Failure[] = []
  const bench: Bench = {
    process,
    options,
    server,
    signal,
    progress,
    createMeter: () => createMeter(process.rssBytes),
    report: (row) => rows.push(row),
  }
  for (const scenario of chosen(options)) {
    const failure = await runScenario(scenario, bench)
    signal.throwIfAborted()
    if (failure !== undefined) failures.push(failure)
  }
  const ok = failures.length === 0
  print(process, options, { ok, machine, options, rows, failures })
  return ok ? ExitCode.done : ExitCode.no
}

const chosen = ({ only }: BenchOptions): readonly Scenario[] =>
  only.length === 0
    ? scenarios.filter(({ onlyNamed }) => onlyNamed !== true)
    : scenarios.filter(({ name }) => only.includes(name))

// One that fails does not cost the figures of the others.
const runScenario = async (scenario: Scenario, bench: Bench): Promise<Failure | undefined> => {
  const { progress, process, signal } = bench
  const startedAt = performance.now()
  progress.line(`${scenario.name}: ${scenario.summary}`)
  try {
    await scenario.run(bench)
    progress.line(`${scenario.name}: done in ${duration(performance.now() - startedAt)}`)
    return undefined
  } catch (error) {
    progress.clear()
    if (!signal.aborted) process.stderr.write(`${scenario.name} failed: ${renderError(error, createRender(false))}`)
    return { scenario: scenario.name, error: toErrorDocument(error) }
  }
}

interface Outcome {
  readonly ok: boolean
  readonly machine: ReturnType<typeof describeMachine>
  readonly options: BenchOptions
  readonly rows: readonly Row[]
  readonly failures: readonly Failure[]
}

const print = ({ stdout, env }: BenchProcess, { json }: BenchOptions, outcome: Outcome): void => {
  if (json) {
    stdout.write(`${JSON.stringify(outcome, null, 2)}\n`)
    return
  }
  const render = createRender(wantsColour({ isTTY: stdout.isTTY, env, flag: true }))
  stdout.write(`${renderReport(outcome.machine, outcome.rows, render)}\n`)
  for (const { scenario, error } of outcome.failures)
    stdout.write(`${render.paint.red('FAIL:')} ${scenario}: ${error.message}\n`)
}
