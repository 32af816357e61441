/**
 * A COMMIT that waits for a standby keeps its locks meanwhile, and no time-out ends that wait. Where others would wait for such
 * a lock, the transaction commits on this server alone; `BARRIER`, which holds no lock, then waits for the standby.
 */
export const COMMIT_LOCALLY = 'SET LOCAL synchronous_commit = local'

/** The same for statements outside of a transaction, until the setting is reset. */
export const COMMIT_SESSION_LOCALLY = 'SET synchronous_commit = local'
