import { isDatabaseUnavailable } from '../database/connection-error.js'
import { reasonOf, untilAvailable, type OutageWait } from '../database/failover/outage-wait.js'
import { printable } from '../terminal/printable.js'

/** A run that is repeated when it loses its database. */
export interface RepeatableRun<Target, T> {
  /** Connects, to find out whether the database is available. */
  readonly prepare: () => Promise<Target>
  /** Continues what an earlier one left. */
  readonly work: (target: Target) => Promise<T>
  /** False where a repetition would not be the same run. */
  readonly mayRepeat: boolean
  readonly note: (text: string) => void
}

/** A statement that crashes its server must not do so for as long as the wait allows. */
const MOST_REPETITIONS = 3

/** Waits for the database, runs the work, and runs it again, a few times at most, when the connection to the database was lost. */
export const runThroughOutages = async <Target, T>(
  wait: OutageWait,
  { prepare, work, mayRepeat, note }: RepeatableRun<Target, T>,
): Promise<T> => {
  for (let repetitions = 0; ; repetitions += 1) {
    const target = await untilAvailable(wait, isDatabaseUnavailable, prepare)
    try {
      return await work(target)
    } catch (error) {
      wait.signal.throwIfAborted()
      if (!mayRepeat || !isDatabaseUnavailable(error) || repetitions === MOST_REPETITIONS) throw error
      note(
        printable(`the connection was lost (${reasonOf(error)}); the run starts again when the database is available`),
      )
    }
  }
}
