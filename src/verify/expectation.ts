/** Which of the two states the database should be in. */
export type Expectation = 'migrated' | 'rolled-back'

/** For checks that are asked in both directions. */
export const ALWAYS: readonly Expectation[] = ['migrated', 'rolled-back']
