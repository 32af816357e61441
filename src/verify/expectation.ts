/** The state that the database is expected to be in. */
export type Expectation = 'migrated' | 'rolled-back'

/** For checks that run in both states. */
export const ALWAYS: readonly Expectation[] = ['migrated', 'rolled-back']
