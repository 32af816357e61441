import { setTimeout as delay } from 'node:timers/promises'
import type { TestDatabase } from './database.js'

export interface UntilOptions {
  /** What the test waits for; the error names it. */
  readonly what: string
  /** Generous by default: on a busy machine everything takes longer, and only a failing test waits that long. */
  readonly deadlineMs?: number
  readonly intervalMs?: number
}

/**
 * Waits until a condition holds: until it returns anything but `false`. A condition that throws, as `expect` does, does not hold yet.
 * @returns what the condition returned
 * @throws when it does not hold by the deadline; the cause is what the condition threw last
 */
export const until = async <T>(
  condition: () => T | Promise<T>,
  { what, deadlineMs = 60_000, intervalMs = 10 }: UntilOptions,
): Promise<T> => {
  const deadline = performance.now() + deadlineMs
  for (;;) {
    let cause: unknown
    try {
      const value = await condition()
      if (value !== false) return value
    } catch (error) {
      cause = error
    }
    if (performance.now() > deadline) throw new Error(`${what}: not within ${deadlineMs} ms`, { cause })
    await delay(intervalMs)
  }
}

/** Waits until a query returns rows. */
export const untilRows = (
  database: Pick<TestDatabase, 'query'>,
  sql: string,
  options: UntilOptions,
  values: readonly unknown[] = [],
): Promise<readonly Record<string, unknown>[]> =>
  until(async () => {
    const rows = await database.query(sql, values)
    return rows.length > 0 && rows
  }, options) as Promise<readonly Record<string, unknown>[]>
