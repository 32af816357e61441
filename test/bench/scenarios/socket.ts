import { onlyRow } from '../../../src/database/rows.js'
import { randomUUID } from 'node:crypto'
import { runCallers, forMs } from '../callers.js'
import { connectChat, type BenchChat, type BenchGuest } from '../chat-guests.js'
import { checkFailed } from '../check-failed.js'

import type { Figures, Meter } from '../meter.js'
import { createRandom, randomText } from '../random.js'
import type { Bench, Scenario } from '../scenario.js'
import { withMigratedDatabase, type BenchDatabase } from '../server.js'
import { withServeChild, type ServeChild, type StoreKind } from '../serve-child.js'

/** Rounds are this short, and this many, so that a disturbance of the machine hits both alike. */
const LONGEST_ROUND_MS = 1_000
const FEWEST_ROUNDS = 3
const SHORTEST_ROUND_MS = 200

export const socket: Scenario = {
  name: 'socket',
  summary: 'a socket server, 1 to 1,000 guests and one operator: one INSERT a message, the server of chatkeep serve',
  run: async (bench) => {
    for (const guests of bench.options.sockets) await compare(bench, guests)
  },
}

/** One server in a process of its own, with its database and its guests. */
interface Way {
  readonly title: string
  readonly database: BenchDatabase
  readonly child: ServeChild
  readonly chat: BenchChat
  readonly meter: Meter
  acknowledged: number
}

const compare = async (bench: Bench, guests: number): Promise<void> =>
  withWay(bench, guests, 'insert', 'one INSERT a message', (baseline) =>
    withWay(bench, guests, 'store', 'chatkeep serve', async (ours) => {
      const ways = [baseline, ours]
      await measure(bench, guests, ways)
      const baselineRate = baseline.meter.figures().perSecond
      for (const way of ways) {
        const figures: Figures = {
          ...way.meter.figures(),
          peakRssMb: await way.child.peakRssMb(),
          loopDelayP99Ms: null,
        }
        bench.report({
          scenario: 'socket',
          case: `${way.title}, ${guests} guests`,
          ratio: figures.perSecond / baselineRate,
          ...figures,
        })
      }
    }),
  )

const withWay = (
  bench: Bench,
  guests: number,
  kind: StoreKind,
  title: string,
  work: (way: Way) => Promise<void>,
): Promise<void> =>
  withMigratedDatabase(bench, `socket_${kind}_${guests}`, (database) =>
    withServeChild(bench.process, kind, database.url, async (child) => {
      const chat = await connectChat(child.url, child.operatorSecret, guests)
      try {
        await work({ title, database, child, chat, meter: bench.createMeter(), acknowledged: 0 })
      } finally {
        chat.close()
      }
    }),
  )

const measure = async ({ options, signal, progress }: Bench, guests: number, ways: readonly Way[]): Promise<void> => {
  const ms = 1_000 * options.seconds
  const rounds = Math.max(Math.min(FEWEST_ROUNDS, Math.ceil(ms / SHORTEST_ROUND_MS)), Math.ceil(ms / LONGEST_ROUND_MS))
  const roundMs = ms / rounds
  const random = createRandom(guests)
  for (const way of ways) await sendFor(way, roundMs, signal, () => randomText(random), false)
  for (let round = 1; round <= rounds; round += 1) {
    progress.status(`socket: ${guests} guests, round ${round} of ${rounds}`)
    for (const way of ways) {
      await way.meter.round(() => sendFor(way, roundMs, signal, () => randomText(random), true))
      signal.throwIfAborted()
      await checkStored(way)
    }
  }
}

/** Each guest has one message under way. */
const sendFor = async (
  way: Way,
  ms: number,
  signal: AbortSignal,
  text: () => string,
  counts: boolean,
): Promise<void> => {
  const free: BenchGuest[] = [...way.chat.guests]
  await runCallers(free.length, forMs(ms, signal), async () => {
    const guest = free.pop()
    if (guest === undefined) throw checkFailed('there are more callers than guests')
    const send = (): Promise<void> => guest.send({ type: 'text', message: text(), messageId: randomUUID() })
    await (counts ? way.meter.time(send) : send())
    way.acknowledged += 1
    free.push(guest)
  })
}

const COUNT = `
  SELECT count(*)::integer AS "stored", count(DISTINCT "idempotencyKey")::integer AS "keys",
    count(*) FILTER (WHERE "clientId" IS NULL)::integer AS "ownerless"
  FROM "ChatMessage"`

const checkStored = async ({ title, database, acknowledged, chat }: Way): Promise<void> => {
  const { stored, keys, ownerless } = onlyRow(
    await database.client.query<{ stored: number; keys: number; ownerless: number }>(COUNT),
  )
  if (stored !== acknowledged || keys !== acknowledged || ownerless !== 0) {
    throw checkFailed(`${title}: ${acknowledged} messages were acknowledged, ${stored} are stored under ${keys} keys`)
  }
  // The acknowledgement may overtake the broadcast on its way to another socket.
  await chat.untilOperatorGot(acknowledged)
}
