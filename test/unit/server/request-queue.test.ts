import { describe, expect, test } from 'vitest'
import { StoreUnavailable } from '../../../src/persistence/errors.js'
import { createRequestQueue } from '../../../src/server/events/request-queue.js'

/** Which of the requests were run: the first fails for want of the database; the last comes after that. */
const ranWith = async (journal: 'none' | 'open', needs: 'database' | 'nothing', error: Error): Promise<unknown> => {
  const inOrder = createRequestQueue(journal)
  const ran: string[] = []
  const run = (name: string) => (): string => {
    ran.push(name)
    return name
  }
  const first = inOrder(() => Promise.reject(error))
  const waited = inOrder(run('waited'), needs)
  await expect(first).rejects.toBe(error)
  await waited.catch((reason: unknown) => expect(reason).toBe(error))
  await inOrder(run('came later'))
  return ran
}

const OUTAGE = new StoreUnavailable('nothing listens there', undefined)

describe('requests behind one for which the database was unavailable', () => {
  test.each([
    ['are refused with it, but for those that come later', 'none', 'database', OUTAGE, ['came later']],
    ['go on when they do not need the database', 'none', 'nothing', OUTAGE, ['waited', 'came later']],
    ['go on when a journal may take them', 'open', 'database', OUTAGE, ['waited', 'came later']],
    ['go on after any other error', 'none', 'database', new Error('of this one'), ['waited', 'came later']],
  ] as const)('%s', async (_what, journal, needs, error, expected) => {
    expect(await ranWith(journal, needs, error)).toEqual(expected)
  })
})
