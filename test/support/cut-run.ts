import { OperatorError } from '../../src/index.js'
import { runChatkeep, type Run } from './chatkeep.js'
import { withProxy } from './cuttable-proxy.js'
import { expect, type TestDatabase } from './database.js'
import { watchStatements } from './statement-watch.js'
import { until } from './until.js'

/** How a run ends at a statement: its connection is cut before or after it, or the run is interrupted during it. */
export type Way = 'cut before' | 'cut after' | 'interrupt'

export const WAYS: readonly Way[] = ['cut before', 'cut after', 'interrupt']

/**
 * The second connection, which watches for blockers, is left alone: losing it changes nothing, and its timing varies. It begins
 * with a statement_timeout of its own.
 */
const WATCHING = /pg_blocking_pids|\('statement_timeout', '2000'/

export interface CutRun extends Run {
  /** The statement at which it was ended; undefined when it reached its end. */
  readonly statement: string | undefined
}

/** Runs a command, ends it at the first statement that `isWanted` picks, and checks its exit code and its error. */
export const cutRun = async (
  database: TestDatabase,
  argv: readonly string[],
  way: Way,
  isWanted: (statement: string) => boolean,
): Promise<CutRun> => {
  const interruption = new AbortController()
  let statement: string | undefined
  let run: Run = { exitCode: -1, stdout: '', stderr: '' }
  const tap = watchStatements((candidate) => {
    if (statement !== undefined || WATCHING.test(candidate) || !isWanted(candidate)) return 'pass'
    statement = candidate
    if (way !== 'interrupt') return way
    return () => interruption.abort(new OperatorError('interrupted', 'ended by SIGTERM', { exitCode: 143 }))
  })
  await withProxy(
    database.url,
    async ({ url }) => {
      run = await runChatkeep([...argv, '--database-url', url], { signal: interruption.signal })
    },
    tap,
  )
  if (statement !== undefined) expectSaneEnd(run, way, statement)
  await untilAlone(database)
  return { ...run, statement }
}

/** The command's last statement: all work is done by then. The library's own unlock ends in a semicolon and comes earlier. */
const LAST_WORD = /pg_advisory_unlock\(-?\d+\)$/

const expectSaneEnd = ({ exitCode, stdout, stderr }: Run, way: Way, statement: string): void => {
  const shown = `${way}: ${statement}\n${stdout}\n${stderr}`
  if (way === 'interrupt') {
    // The command may have finished before the interrupt arrived.
    expect([0, 143], shown).toContain(exitCode)
    if (exitCode === 143) expect(stderr, shown).toMatch(/^error: .*ended by SIGTERM/m)
  } else if (LAST_WORD.test(statement)) {
    expect(exitCode, shown).toBe(0)
  } else {
    expect(exitCode, shown).toBe(3)
    expect(stderr, shown).toMatch(/^error: .*connection/m)
    expect(stderr, shown).toMatch(/^hint: /m)
  }
}

const SELECT_OTHERS = `
  SELECT pid FROM pg_stat_activity
  WHERE datname = current_database() AND application_name LIKE 'chatkeep %' AND application_name <> 'chatkeep writer'`

/** A session that was cut off holds its locks until the server notices. */
const untilAlone = (database: TestDatabase): Promise<boolean> =>
  until(async () => (await database.query(SELECT_OTHERS)).length === 0, { what: 'no session is left', intervalMs: 3 })
