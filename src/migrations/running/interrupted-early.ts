import { interruptedBy } from '../../errors.js'
import { again } from '../../next-step.js'
import type { MigrationCommand } from '../ledger/runs.js'

/**
 * Runs work whose later part explains an interruption itself, and explains one that comes before.
 * @param state of the database until then, in one sentence
 */
export const explainEarlyInterruption = async <T>(
  command: MigrationCommand,
  signal: AbortSignal,
  state: string,
  work: () => Promise<T>,
): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error
    throw interruptedBy(signal, (ended) => `${command} was ${ended}`, {
      details: [`state: ${state}`],
      hint: again(),
      cause: error,
    })
  }
}
