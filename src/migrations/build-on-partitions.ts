import type { QueryResult } from 'pg'
import { hasSqlState, SqlState } from '../database/sql-state.js'
import { withShortLocks } from '../database/waiting/lock-attempts.js'
import { ExitCode, OperatorError } from '../errors.js'
import { again, sql } from '../next-step.js'
import type { OwnClient } from './own/own-client.js'
import { runAlone, type RunFileOptions } from './run-file.js'
import { runInApplicationPath } from './running/application-path.js'
import { reportBatches } from './running/batch-progress.js'
import { NO_RESULT } from './running/run-statements.js'
import { indexUnits, isConcurrent, type Unit, type WantedIndex } from './partitions/index-units.js'
import type { OnPartitions } from './plan/on-partitions.js'
import { readPartitions } from './partitions/partitions.js'

/**
 * Builds an index on every partition, without blocking writers, and continues what an earlier run left. Partitions that are
 * added or dropped meanwhile are noticed.
 * @param title of the migration, for the progress
 */
export const buildOnPartitions = async (
  client: OwnClient,
  title: string,
  { wanted, before }: OnPartitions,
  options: RunFileOptions,
): Promise<QueryResult> => {
  for (const unit of before) await runUnit(client, unit, options)
  for (let last = ''; ;) {
    const units = indexUnits(await readPartitions(client, client.own.message), wanted)
    if (units.length === 0) return NO_RESULT
    const text = JSON.stringify(units)
    if (text === last) throw stuck(wanted)
    last = text
    await runUnits(client, title, units, options)
  }
}

const runUnits = async (
  client: OwnClient,
  title: string,
  units: readonly Unit[],
  options: RunFileOptions,
): Promise<void> => {
  const report = reportBatches(`statements of ${title}`, units.length, options.onEvent)
  for (const [done, unit] of units.entries()) {
    report(done)
    try {
      await runUnit(client, unit, options)
    } catch (error) {
      // A partition was dropped meanwhile, as by a retention job.
      if (!hasSqlState(error, SqlState.undefinedTable)) throw error
      return
    }
  }
}

const runUnit = async (client: OwnClient, unit: Unit, options: RunFileOptions): Promise<void> => {
  options.signal.throwIfAborted()
  const [first = ''] = unit
  if (isConcurrent(unit)) await runAlone(client, first, options)
  else await withShortLocks(client, options, () => runInApplicationPath(client, unit))
}

const stuck = ({ name }: WantedIndex): OperatorError =>
  new OperatorError(
    'index_incomplete',
    `the index "${name}" is on every partition, but the server does not make it valid`,
    {
      exitCode: ExitCode.no,
      hint: [sql(`DROP INDEX "${name}"`, 'it is built anew then'), again()],
    },
  )
