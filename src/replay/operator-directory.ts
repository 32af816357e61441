import { createPool } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { SqlState } from '../database/sql-state.js'
import { DatabaseRefused } from '../persistence/errors.js'
import { toStorableText } from '../persistence/prepare-message.js'
import { withRetries } from '../persistence/retry.js'
import { namesIn } from '../persistence/statements.js'

/** Knows the ids of operators by their names. */
export interface OperatorDirectory {
  /** Null for somebody who is not in "User". */
  idOf(name: string | null): Promise<number | null>
  close(): Promise<void>
}

/** Names remembered at once; a transcript has as many operators as it likes. */
const MOST_REMEMBERED = 10_000
const DEADLINE_MS = 10_000

/** Provides a directory for as long as the work lasts. */
export const withOperatorDirectory = async <T>(
  target: ConnectionTarget,
  work: (operators: OperatorDirectory) => Promise<T>,
): Promise<T> => {
  const operators = createOperatorDirectory(target)
  try {
    return await work(operators)
  } finally {
    await operators.close()
  }
}

// Connects at the first question and asks for each name once.
const createOperatorDirectory = (target: ConnectionTarget): OperatorDirectory => {
  const known = new Map<string, Promise<number | null>>()
  let pool: ReturnType<typeof createPool> | undefined
  const sql = `SELECT "id" FROM ${namesIn(target.schema ?? 'public').user} WHERE "username" = $1`

  const ask = async (name: string): Promise<number | null> => {
    pool ??= createPool(target, { max: 1, application_name: 'chatkeep replay', query_timeout: DEADLINE_MS })
    const { rows } = await (await pool).query<{ id: number }>(sql, [name])
    return rows[0]?.id ?? null
  }
  const lookUp = async (name: string): Promise<number | null> => {
    try {
      return await withRetries(DEADLINE_MS, () => ask(name))
    } catch (error) {
      // "User" holds passwords: a role that may not read it can replay all the same, with operators unknown.
      if (error instanceof DatabaseRefused && error.sqlState === SqlState.insufficientPrivilege) return null
      throw error
    }
  }

  return {
    idOf: async (name) => {
      if (name === null) return null
      const storable = toStorableText(name)
      const answer = known.get(storable) ?? lookUp(storable)
      if (known.size >= MOST_REMEMBERED) known.clear()
      known.set(storable, answer)
      return answer
    },
    close: async () => (await pool)?.end(),
  }
}
