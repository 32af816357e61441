import { createChatStore, type ChatStore } from '../../../src/index.js'
import { migrated, withStore } from '../../support/chat.js'
import { withProxy, type Tap, type Verdict } from '../../support/cuttable-proxy.js'
import { expect, test, type TestDatabase } from '../../support/database.js'
import { textMessage } from '../../support/load.js'
import { withSmallPooler } from '../../support/small-pooler.js'
import { until } from '../../support/until.js'

/** Longer than the test: what comes was announced. */
const pollMs = 3_600_000

const subscribe = async (store: ChatStore) => {
  const texts: string[] = []
  const errors: unknown[] = []
  await store.onMessage(({ text }) => void texts.push(text ?? ''), { pollMs, onError: (error) => errors.push(error) })
  return { texts, errors }
}

const expectAnnounced = (database: TestDatabase, texts: readonly string[]): Promise<void> =>
  withStore(database, async (other) => {
    await subscribe(other)
    await until(
      async () => {
        await other.saveChatMessage({ ...textMessage('hello'), sessionId: 's' })
        return texts.includes('hello')
      },
      { what: 'a message of another store is announced', intervalMs: 200 },
    )
  })

interface Link {
  /** Of the connection's start-up message. */
  readonly isFor: (applicationName: string) => boolean
  verdict: Verdict
}

/** Taps of connections whose verdicts can be set, and are asked about their first bytes. */
const createLinks = (onOpen: (link: Link, all: readonly Link[]) => void): (() => Tap) => {
  const all: Link[] = []
  return () => {
    let link: Link | undefined
    return {
      fromClient: (bytes) => {
        if (link === undefined) {
          link = { isFor: (name) => bytes.includes(name), verdict: 'pass' }
          all.push(link)
          onOpen(link, all)
        }
        return link.verdict
      },
      fromServer: () => link?.verdict ?? 'pass',
    }
  }
}

test.for([
  ['all connections', 1],
  ['the second connection, twice', 2],
] as const)(
  'a network that stalls while the connection for notifications is opened, on %s: no pooler, and it listens later',
  async ([which, times], { database }) => {
    await migrated(database)
    let stalls = 0
    const makeTap = createLinks((link, all) => {
      if (!link.isFor('chatkeep pooler check') || stalls === times) return
      stalls += 1
      link.verdict = 'drop'
      if (which !== 'all connections') return
      for (const other of all) if (other.isFor('chatkeep live')) other.verdict = 'drop'
    })
    await withProxy(
      database.url,
      ({ url }) =>
        withStore({ ...database, url }, async (store) => {
          const { texts, errors } = await subscribe(store)
          await until(() => stalls === times, { what: 'it stalls' })
          await expectAnnounced(database, texts)
          expect(errors).toEqual([])
        }),
      makeTap,
    )
  },
)

test('a pooler that shares sessions is found at a later attempt: it polls, says so once, and connects no more', async ({
  database,
}) => {
  await migrated(database)
  await withSmallPooler(database.url, { mode: 'transaction' }, async (pooled) => {
    let opened = 0
    const makeTap = createLinks((link) => {
      if (!link.isFor('chatkeep live')) return
      opened += 1
      if (opened === 1) link.verdict = 'drop, and cut'
    })
    await withProxy(
      pooled,
      async ({ url }) => {
        const store = createChatStore({ databaseUrl: url })
        const { errors } = await subscribe(store)
        await until(() => errors.length > 0, { what: 'it is said' })
        expect(errors).toMatchObject([{ code: 'polling_only' }])
        expect(opened).toBe(2)
        await store.close()
      },
      makeTap,
    )
  })
})
