import { createHash } from 'node:crypto'
import { createRandom, randomBelow, type Random } from '../../bench/random.js'
import { migrated, on, withStore } from '../../support/chat.js'
import { cutRun, WAYS, type Way } from '../../support/cut-run.js'
import { catalogOf, dataOf, historyOf } from '../../support/database-state.js'
import { describe, expect, test, withDatabase, type TestDatabase } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { withWriter } from '../../support/writer.js'

/** `npm run test:cuts`: every statement of a whole run is ended in every way. Takes minutes. */
const EVERY_CUT = process.env.CUTS === 'all'

/** Name it to see the same again: `CUT_SEED=123`. */
const SEED = Number(process.env.CUT_SEED ?? Date.now() % 1_000_000)

/** An eighth of the statements in a run of all tests, others with another seed; all of them with `npm run test:cuts`. */
const isPoint = (statement: string): boolean =>
  EVERY_CUT || (createHash('sha256').update(statement).digest().readUInt8() + SEED) % 8 === 0

const rollbackOf = (database: TestDatabase): readonly string[] => ['rollback', '--confirm', database.name]

/** Few messages, so that a run takes no time. */
const loadChat = async (database: TestDatabase): Promise<void> => {
  await loadFixture(database, 'crm-before')
  await database.query('DELETE FROM "ChatMessage" WHERE "id" > 60')
}

/** Messages of every kind that only a migrated database can hold: with keys, phones and marks, of guests with and without client, of nobody. */
const addGuests = async (database: TestDatabase): Promise<void> => {
  await withStore(database, async (store) => {
    for (const guestUsername of ['maria', 'josé', `o'hara`]) {
      await store.saveChatMessage({
        senderType: 'CLIENT',
        messageType: 'TEXT',
        text: 'x',
        guestUsername,
        guestPhone: '+1',
      })
    }
  })
  await database.load(`
    INSERT INTO "ChatMessage" ("senderType", "messageType", "text", "guestUsername", "guestPhone", "operatorId")
    SELECT 'CLIENT', 'TEXT', 'waiting', name, phone, 1
    FROM (VALUES ('wanda', '+2'), ('wanda', NULL), ('client7', '+3'), ('ömer ', '+2'), (' ', '+4'), (NULL, '+5'), (NULL, NULL)) AS guest (name, phone);
    UPDATE "ChatMessage" SET "guestUnverified" = true WHERE "guestUsername" = 'maria' OR "id" = 1;
    UPDATE "ChatMessage" SET "idempotencyKey" = 'key ' || "id" WHERE "id" % 7 = 0 OR "clientId" IS NULL`)
}

/**
 * Runs a command again and again, each time ended at the first statement that no run was ended at yet; the next one
 * meets what that left. Ends with the run that gets through.
 * @param seen the statements at which no more run is to be ended; those of this walk are added
 * @returns how often a run was ended
 */
const walk = async (
  database: TestDatabase,
  argv: readonly string[],
  wayOf: (index: number) => Way,
  seen = new Set<string>(),
): Promise<number> => {
  for (const before = seen.size; ;) {
    const run = await cutRun(database, argv, wayOf(seen.size), (one) => isPoint(one) && !seen.has(one))
    if (run.statement === undefined) {
      expect(run.exitCode, run.stderr).toBe(0)
      return seen.size - before
    }
    seen.add(run.statement)
  }
}

/** Not interrupted: such a run goes on to the end of its statement, and past points that the next one then never meets. */
const alternately =
  (offset: number) =>
  (index: number): Way =>
    (index + offset) % 2 === 0 ? 'cut before' : 'cut after'

const report = (what: string, cuts: number): void => {
  console.log(`${what}: ended at ${cuts} points (CUT_SEED=${SEED})`)
}

test('migrate, ended at its statements, goes on each time, and ends where an undisturbed one does', async ({
  database,
}) => {
  await loadChat(database)
  await withDatabase(async (undisturbed) => {
    await migrated(undisturbed, 'crm-before')
    report('migrate', await walk(database, ['migrate'], alternately(SEED)))
    expect(await catalogOf(database)).toEqual(await catalogOf(undisturbed))
    expect(await historyOf(database)).toEqual(await historyOf(undisturbed))
    expect((await on(database, 'verify')).exitCode).toBe(0)
  })
})

test('rollback, and the migrate after it, ended at their statements, lose nothing while others write', async ({
  database,
}) => {
  await loadChat(database)
  await migrated(database)
  await addGuests(database)
  const before = [await catalogOf(database), await dataOf(database, BEFORE_THE_WRITER)]
  const seen = new Set<string>()
  await withWriter(database, async () => {
    report('rollback', await walk(database, rollbackOf(database), alternately(SEED), seen))
    report('migrate after a rollback', await walk(database, ['migrate'], alternately(SEED), seen))
  })
  expect([await catalogOf(database), await dataOf(database, BEFORE_THE_WRITER)]).toEqual(before)
  expect((await on(database, 'verify')).exitCode).toBe(0)
})

const BEFORE_THE_WRITER = `"text" NOT LIKE 'written %'`

/** Goes back and forth, ending most runs somewhere, until that was often enough and a migrate got through. */
const wander = async (
  database: TestDatabase,
  random: Random,
  enough: number,
  onArrival: () => Promise<void>,
): Promise<number> => {
  for (let cuts = 0; ;) {
    const argv = random() < 0.5 ? rollbackOf(database) : ['migrate']
    const way = WAYS[randomBelow(random, WAYS.length)] ?? 'cut before'
    // The first statements only look, and were walked through before.
    let remaining = 25 + randomBelow(random, 70)
    const { statement, exitCode, stderr } = await cutRun(database, argv, way, () => (remaining -= 1) === 0)
    if (statement !== undefined) cuts += 1
    else expect(exitCode, stderr).toBe(0)
    if (statement !== undefined || argv[0] !== 'migrate') continue
    await onArrival()
    if (cuts >= enough) return cuts
  }
}

test('any mixture of them, ended anywhere in any way, loses nothing', async ({ database }) => {
  await loadChat(database)
  await migrated(database)
  await addGuests(database)
  const before = await dataOf(database)
  const cuts = await wander(database, createRandom(SEED), EVERY_CUT ? 20 : 10, async () => {
    expect(await dataOf(database), `CUT_SEED=${SEED}`).toEqual(before)
  })
  report('back and forth', cuts)
})

const COMMANDS = ['rollback', 'migrate'] as const

describe.runIf(EVERY_CUT)('each statement, from the same state each time', () => {
  test.for(COMMANDS.flatMap((command) => WAYS.map((way) => [command, way] as const)))(
    '%s, %s, then on or back in turn',
    { timeout: 900_000 },
    async ([command, way], { database }) => {
      await loadChat(database)
      await migrated(database)
      await addGuests(database)
      const before = await dataOf(database)
      const argvOf = { rollback: rollbackOf(database), migrate: ['migrate'] }
      const other = command === 'rollback' ? 'migrate' : 'rollback'
      const finish = async (name: (typeof COMMANDS)[number]): Promise<void> => {
        const { exitCode, stderr } = await on(database, ...argvOf[name])
        expect(exitCode, stderr).toBe(0)
      }
      const seen = new Set<string>()
      for (;;) {
        if (command === 'migrate') await finish('rollback')
        const { statement } = await cutRun(database, argvOf[command], way, (candidate) => !seen.has(candidate))
        if (statement === undefined) break
        seen.add(statement)
        await finish(seen.size % 2 === 0 ? command : other)
        await finish('migrate')
        expect(await dataOf(database), `${way}: ${statement}`).toEqual(before)
      }
      report(`${command}, ${way}`, seen.size)
    },
  )
})
