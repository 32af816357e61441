/** PostgreSQL's table lock modes, weakest first. */
export const LOCK_MODES = [
  'ACCESS SHARE',
  'ROW SHARE',
  'ROW EXCLUSIVE',
  'SHARE UPDATE EXCLUSIVE',
  'SHARE',
  'SHARE ROW EXCLUSIVE',
  'EXCLUSIVE',
  'ACCESS EXCLUSIVE',
] as const

export type LockMode = (typeof LOCK_MODES)[number]

export interface TableLock {
  readonly table: string
  readonly mode: LockMode
}

/** Who waits while a statement holds its locks. The words are in the JSON output. */
export type Blocks = 'nobody' | 'other schema changes' | 'writers' | 'readers and writers' | typeof UNKNOWN_BLOCKS

/** Assumed for a statement whose locks are unknown. */
export const UNKNOWN_BLOCKS = 'unknown: assume readers and writers'

const BLOCKED_BY_MODE: Readonly<Record<LockMode, Blocks>> = {
  'ACCESS SHARE': 'nobody',
  'ROW SHARE': 'nobody',
  'ROW EXCLUSIVE': 'nobody',
  'SHARE UPDATE EXCLUSIVE': 'other schema changes',
  SHARE: 'writers',
  'SHARE ROW EXCLUSIVE': 'writers',
  EXCLUSIVE: 'writers',
  'ACCESS EXCLUSIVE': 'readers and writers',
}

/** Who is blocked by these locks. */
export const blockedBy = (locks: readonly TableLock[]): Blocks => {
  const strongest = strongestLock(locks)
  return strongest === undefined ? 'nobody' : BLOCKED_BY_MODE[strongest.mode]
}

/** The strongest lock of each table. */
export const strongestLocks = (locks: readonly TableLock[]): readonly TableLock[] => {
  const strongest = new Map<string, LockMode>()
  for (const { table, mode } of locks) {
    const known = strongest.get(table)
    if (known === undefined || isStronger(mode, known)) strongest.set(table, mode)
  }
  return [...strongest].map(([table, mode]) => ({ table, mode }))
}

/** The strongest of all locks; among equals, the first. */
export const strongestLock = (locks: readonly TableLock[]): TableLock | undefined => {
  let strongest = locks[0]
  for (const lock of locks) if (strongest !== undefined && isStronger(lock.mode, strongest.mode)) strongest = lock
  return strongest
}

export const isStronger = (mode: LockMode, other: LockMode): boolean =>
  LOCK_MODES.indexOf(mode) > LOCK_MODES.indexOf(other)
