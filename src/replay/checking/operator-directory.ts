import { createPool } from '../../database/connection.js'
import type { ConnectionTarget } from '../../database/connection-target.js'
import { SqlState } from '../../database/sql-state.js'
import { StoreError } from '../../persistence/errors.js'
import { toIdOrNull, type StoredId } from '../../persistence/ids/ids.js'
import { toStorableText } from '../../persistence/content/storable-text.js'
import { withRetries } from '../../persistence/retry.js'
import { namesIn } from '../../persistence/sql-names.js'
import type { TranscriptMessage } from '../../transcripts/transcript-line.js'

/** Looks up the ids of operators. */
export interface OperatorDirectory {
  /**
   * The id of a message's operator: the recorded id if "User" has it, else the id of the name.
   * Null for a guest's message, and for an operator without a row in "User".
   */
  idOfWriter(message: TranscriptMessage): Promise<number | null>
  close(): Promise<void>
}

/** Answers cached at once; a transcript may have any number of operators. */
const MOST_REMEMBERED = 10_000
const DEADLINE_MS = 10_000

/** SQLSTATEs of look-ups that find nobody. */
const UNANSWERED: readonly unknown[] = [SqlState.insufficientPrivilege, SqlState.untranslatableCharacter]

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

// Connects at the first lookup, and looks each name up once.
const createOperatorDirectory = (target: ConnectionTarget): OperatorDirectory => {
  const known = new Map<string, Promise<number | null>>()
  let pool: ReturnType<typeof createPool> | undefined
  const deadlineMs = Math.max(DEADLINE_MS, target.wait?.limitMs ?? 0)
  const { user } = namesIn(target.schema ?? 'public')
  const byName = `SELECT "id" FROM ${user} WHERE "username"::text = $1`
  const byId = `SELECT "id" FROM ${user} WHERE "id" = $1::bigint`

  const ask = async (sql: string, value: string | number): Promise<number | null> => {
    pool ??= createPool(target, {
      max: 1,
      application_name: 'chatkeep replay',
      query_timeout: DEADLINE_MS,
      pins: 'course',
    })
    const { rows } = await pool.query<{ id: StoredId }>(sql, [value])
    return toIdOrNull(rows[0]?.id ?? null)
  }
  const lookUp = async (sql: string, value: string | number): Promise<number | null> => {
    try {
      return await withRetries({ deadlineMs }, () => ask(sql, value))
    } catch (error) {
      // "User" contains password hashes: a role without access to it can still replay, with operators unknown. And no operator
      // can have a name with a character that the encoding of the database lacks.
      if (error instanceof StoreError && UNANSWERED.includes(error.sqlState)) return null
      throw error
    }
  }
  const remembered = (sql: string, value: string | number): Promise<number | null> => {
    const question = `${typeof value} ${value}`
    const answer = known.get(question) ?? lookUp(sql, value)
    if (known.size >= MOST_REMEMBERED) known.clear()
    known.set(question, answer)
    return answer
  }

  return {
    idOfWriter: async ({ from, operator, operatorId }) => {
      if (from === 'client') return null
      const recorded = operatorId == null ? null : await remembered(byId, operatorId)
      if (recorded !== null || operator === null) return recorded
      return remembered(byName, toStorableText(operator))
    },
    close: async () => pool?.end(),
  }
}
