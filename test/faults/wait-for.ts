import { setTimeout as delay } from 'node:timers/promises'

const PATIENCE_MS = 20_000
const INTERVAL_MS = 10

/** Waits until it is so. @returns false when it was not within 20 seconds, or within what is given */
export const waitFor = async (
  isSo: () => boolean | Promise<boolean>,
  signal: AbortSignal,
  patienceMs = PATIENCE_MS,
): Promise<boolean> => {
  const deadline = Date.now() + patienceMs
  while (!(await isSo())) {
    if (Date.now() > deadline) return false
    await delay(INTERVAL_MS, undefined, { signal })
  }
  return true
}
