import { randomUUID } from 'node:crypto'
import { onlyRow } from '../../../src/database/rows.js'
import { createChatStore } from '../../../src/index.js'
import { findThenInsert, type GuestMessage } from '../application-sql.js'
import { runCallers, times } from '../callers.js'
import { checkFailed } from '../check-failed.js'
import type { Meter } from '../meter.js'
import { createRandom, randomText } from '../random.js'
import type { Bench, Scenario } from '../scenario.js'
import { withMigratedDatabase, withPool, type BenchDatabase } from '../server.js'

const CALLERS = 128
const ROUNDS = 10

export const guests: Scenario = {
  name: 'guests',
  summary: 'first messages of new guests, 128 callers: find-then-insert with ON CONFLICT, saveChatMessage',
  run: (bench) =>
    withMigratedDatabase(bench, 'guests_application', (ofApplication) =>
      withMigratedDatabase(bench, 'guests_store', (ofStore) =>
        withPool(ofApplication, async (pool) => {
          const store = createChatStore({ databaseUrl: ofStore.url })
          try {
            await compare(bench, [
              way(bench, 'find, then INSERT', ofApplication, (message) => findThenInsert(pool, message)),
              way(bench, 'saveChatMessage', ofStore, (message) => store.saveChatMessage(message)),
            ])
          } finally {
            await store.close()
          }
        }),
      ),
    ),
}

interface Way {
  readonly title: string
  readonly database: BenchDatabase
  readonly meter: Meter
  /** Sends the first message of one more guest. */
  readonly greet: () => Promise<unknown>
}

const way = (
  bench: Bench,
  title: string,
  database: BenchDatabase,
  save: (message: GuestMessage) => Promise<unknown>,
): Way => {
  const random = createRandom(2)
  let guest = 0
  const greet = (): Promise<unknown> => {
    guest += 1
    return save({
      guestUsername: `new guest ${guest}`,
      guestPhone: `+1 555 ${guest}`,
      senderType: 'CLIENT',
      messageType: 'TEXT',
      text: randomText(random),
      clientSocketId: `socket ${guest}`,
      sessionId: `session ${guest}`,
      idempotencyKey: randomUUID(),
    })
  }
  return { title, database, greet, meter: bench.createMeter() }
}

const compare = async (bench: Bench, ways: readonly Way[]): Promise<void> => {
  const { options, signal, progress } = bench
  const perRound = Math.ceil(options.guests / ROUNDS)
  const warmUp = Math.min(1_000, perRound)
  for (const { greet } of ways) await runCallers(CALLERS, times(warmUp, signal), greet)
  for (let round = 1; round <= ROUNDS; round += 1) {
    progress.status(`guests: round ${round} of ${ROUNDS}`)
    for (const { meter, greet } of ways) {
      await meter.round(() => runCallers(CALLERS, times(perRound, signal), () => meter.time(greet)))
      signal.throwIfAborted()
    }
  }
  await report(bench, ways, warmUp + ROUNDS * perRound)
}

const report = async (bench: Bench, ways: readonly Way[], expected: number): Promise<void> => {
  const baseline = ways[0]?.meter.figures().perSecond ?? NaN
  for (const { title, database, meter } of ways) {
    const burnt = await checkStored(database, title, expected)
    const figures = meter.figures()
    bench.report({
      scenario: 'guests',
      case: `${title}, ${CALLERS} callers`,
      ratio: figures.perSecond / baseline,
      ...figures,
      note: `${burnt} ids of "Client" burnt`,
    })
  }
}

const COUNT = `
  SELECT (SELECT count(*)::integer FROM "Client") AS "clients",
    (SELECT count(*)::integer FROM "ChatMessage" WHERE "clientId" IS NOT NULL) AS "messages",
    (SELECT count(DISTINCT "clientId")::integer FROM "ChatMessage") AS "owners",
    (SELECT last_value::integer FROM "Client_id_seq") AS "lastId"`

interface Counts {
  readonly clients: number
  readonly messages: number
  readonly owners: number
  readonly lastId: number
}

/** @returns the ids that the sequence gave away and no client has */
const checkStored = async ({ client }: BenchDatabase, title: string, expected: number): Promise<number> => {
  const { clients, messages, owners, lastId } = onlyRow(await client.query<Counts>(COUNT))
  if (clients !== expected || messages !== expected || owners !== expected) {
    throw checkFailed(`${title}: ${expected} guests wrote, and there are ${clients} clients, ${messages} messages`)
  }
  return lastId - clients
}
