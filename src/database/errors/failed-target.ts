import type { ConnectionTarget } from '../connection-target.js'

const targets = new WeakMap<Error, ConnectionTarget>()

/** Notes to where a connection could not be made: the errors of the driver and the server do not say it. */
export const noteFailedTarget = (error: unknown, target: ConnectionTarget): void => {
  if (error instanceof Error) targets.set(error, target)
}

/** To where a connection could not be made; undefined for other errors, and where the pool is the caller's. */
export const failedTargetOf = (error: Error): ConnectionTarget | undefined => targets.get(error)
