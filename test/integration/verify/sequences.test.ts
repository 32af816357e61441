import { migrated } from '../../support/chat.js'
import { expect, test } from '../../support/database.js'
import { findingsOf, verify, type FoundFinding } from '../../support/findings.js'

const sequenceOf = (definition: string, last: number): string =>
  `ALTER SEQUENCE "Client_id_seq" ${definition}; SELECT setval('"Client_id_seq"', ${last})`

const clients = (...ids: readonly number[]): string =>
  `DELETE FROM "Client"; INSERT INTO "Client" ("id", "updatedAt", "username")
   SELECT id, now(), 'client ' || id FROM unnest(ARRAY[${ids.join(', ')}]::integer[]) AS id`

const NEGATIVE_HALF = 'INCREMENT 1 MINVALUE -2147483648 MAXVALUE 2147483647 NO CYCLE'
const DOWNWARDS = 'INCREMENT -1 MINVALUE -2147483648 MAXVALUE 2147483647 NO CYCLE'

const ODD = 'INCREMENT 2 MINVALUE 1 MAXVALUE 2147483647 START 1 RESTART NO CYCLE'

/** How a sequence runs, the ids that exist, and what verify says. */
const CASES: readonly (readonly [name: string, sql: string, found: readonly Partial<FoundFinding>[]])[] = [
  [
    'the positive half is used up, the negative one is begun',
    `${sequenceOf(NEGATIVE_HALF, -2_147_483_600)}; ${clients(-2_147_483_648, -2_147_483_600, 1, 2_147_483_647)}`,
    [],
  ],
  ['a seed of negative ids far ahead', `${sequenceOf(NEGATIVE_HALF, -2_147_483_600)}; ${clients(-9, 0, 7)}`, []],
  [
    'the negative half ends at the first positive id',
    `${sequenceOf(NEGATIVE_HALF, -300_000_000)}; ${clients(5, 2_147_483_647)}`,
    [
      {
        code: 'sequence_ending',
        severity: 'warning',
        actual: '86 % used: 1,847,483,649 of 2,147,483,653, up to id 5, which exists',
      },
    ],
  ],
  [
    'behind in the negative half',
    `${sequenceOf(NEGATIVE_HALF, -2_147_483_648)}; ${clients(-2_147_483_640, -2_147_483_600, 5)}`,
    [
      {
        code: 'sequence_behind',
        expected: 'at least -2,147,483,600, the largest negative id',
        help: `in psql: SELECT setval('"public"."Client_id_seq"', (SELECT max("id") FROM "public"."Client" WHERE "id" < 0));`,
      },
    ],
  ],
  ['downwards from above zero', `${sequenceOf(DOWNWARDS, 1_000_000)}; ${clients(1_000_000, 2_000_000)}`, []],
  [
    'downwards, behind',
    `${sequenceOf(DOWNWARDS, -1)}; ${clients(-1, -2, -50, 3)}`,
    [
      {
        code: 'sequence_behind',
        expected: 'at most -50, the smallest id',
        help: `in psql: SELECT setval('"public"."Client_id_seq"', (SELECT min("id") FROM "public"."Client"));`,
      },
    ],
  ],
  [
    'downwards, near its end',
    `${sequenceOf('INCREMENT -1 MINVALUE -1000 MAXVALUE -1 NO CYCLE START -1 RESTART', -970)}; ${clients(-970)}`,
    [{ code: 'sequence_ending', severity: 'error', actual: '97 % used: 970 of 1,000' }],
  ],
  [
    'round and round, with the old rows deleted',
    `${sequenceOf('INCREMENT 1 MINVALUE 1 MAXVALUE 1000 START 1 RESTART CYCLE', 999)}; ${clients(950, 999)}`,
    [],
  ],
  [
    'round and round, into rows that are still there',
    `${sequenceOf('INCREMENT 1 MINVALUE 1 MAXVALUE 1000 START 1 RESTART CYCLE', 999)}; ${clients(20, 999)}`,
    [{ code: 'sequence_ending', severity: 'error', actual: '98 % used: 980 of 1,000, up to id 20, which exists' }],
  ],
  [
    'odd ids, beside the even ones of another server',
    `${sequenceOf(ODD, 101)}; ${clients(99, 101, 102, 104, 5_000)}`,
    [],
  ],
  [
    'odd ids that exist ahead',
    `${sequenceOf(ODD, 101)}; ${clients(99, 101, 105, 108)}`,
    [
      {
        code: 'sequence_behind',
        expected: 'at least 108, the largest id',
        help: `in psql: SELECT setval('"public"."Client_id_seq"', (SELECT '101'::bigint + (max("id") - '101'::bigint + 1) / 2 * 2 FROM "public"."Client"));`,
      },
    ],
  ],
  [
    'one id far ahead',
    `${sequenceOf('INCREMENT 1 MINVALUE 1 MAXVALUE 2147483647 START 1 RESTART NO CYCLE', 3)}; ${clients(1, 3, 2_000_000_000)}`,
    [],
  ],
  [
    'ids that no number holds',
    `ALTER TABLE "Client" ALTER COLUMN "id" TYPE bigint;
     INSERT INTO "Client" ("id", "updatedAt", "username") VALUES (-9007199254740993, now(), 'too small')`,
    [
      {
        code: 'id_too_large',
        object: '"Client"."id"',
        actual: '-9,007,199,254,740,993: a number does not hold it exactly',
        help: 'chatkeep explain id_too_large',
      },
    ],
  ],
]

test('verify says which ids a sequence will meet, whichever way it runs', async ({ database }) => {
  await migrated(database)
  const said = []
  for (const [name, sql, found] of CASES) {
    await database.load(sql)
    const findings = findingsOf(await verify(database))
    said.push([
      name,
      findings.map((one, index) =>
        Object.fromEntries(Object.keys(found[index] ?? one).map((key) => [key, Reflect.get(one, key)])),
      ),
    ])
  }
  expect(said).toEqual(CASES.map(([name, , found]) => [name, found]))
})
