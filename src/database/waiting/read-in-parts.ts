import { blockageBehind, UNKNOWN_BLOCKAGE, type Blockage } from '../blockers.js'
import type { Queryable } from '../connection.js'
import { hasSqlState, SqlState } from '../sql-state.js'
import { inReadOnlySnapshot, type SnapshotLimits } from '../transaction.js'

/** Reads a part of an answer; if it is locked, the rest is still to be had. */
export type ReadPart = <T extends object>(read: () => Promise<T>) => Promise<T>

/** A use of a part that could not be read. */
export class PartLocked extends Error {
  override readonly name = 'PartLocked'
  constructor(readonly blockage: Blockage) {
    super(`${blockage.what} is locked`)
  }
}

const FIRST_LOCK_TIMEOUT_MS = 1_000

/** Once something is locked, everything else is asked for this long. */
export const PART_LOCK_TIMEOUT_MS = 200

/**
 * Reads in one read-only snapshot. Where something is locked, once more in another, part by part: a part that stays locked
 * throws `PartLocked` when it is used. This takes seconds, so that the answer is there while it is needed.
 */
export const readInParts = async <T>(
  client: Queryable,
  limits: Omit<SnapshotLimits, 'lockTimeoutMs'>,
  work: (part: ReadPart, isLocked: boolean) => Promise<T>,
): Promise<T> => {
  try {
    return await inReadOnlySnapshot(client, { ...limits, lockTimeoutMs: FIRST_LOCK_TIMEOUT_MS }, () =>
      work((read) => read(), false),
    )
  } catch (error) {
    if (!hasSqlState(error, SqlState.lockNotAvailable)) throw error
    const part = partsOf(client, blockageBehind(error) ?? UNKNOWN_BLOCKAGE)
    return inReadOnlySnapshot(client, { ...limits, lockTimeoutMs: PART_LOCK_TIMEOUT_MS }, () => work(part, true))
  }
}

const partsOf =
  (client: Queryable, first: Blockage): ReadPart =>
  async <T extends object>(read: () => Promise<T>) => {
    await client.query('SAVEPOINT part')
    try {
      return await read()
    } catch (error) {
      if (!hasSqlState(error, SqlState.lockNotAvailable)) throw error
      await client.query('ROLLBACK TO SAVEPOINT part')
      // No property of it is ever read.
      return lockedPart(blockageBehind(error) ?? first) as T
    }
  }

/** Stands for the part, whatever it is: each use of it throws. */
const lockedPart = (blockage: Blockage): object => {
  const get = (_target: object, key: string | symbol): undefined => {
    // It is returned by a promise, which asks for this.
    if (key === 'then') return undefined
    throw new PartLocked(blockage)
  }
  return new Proxy({}, { get })
}
