import pg from 'pg'
import type { NewChatMessage } from '../../../src/index.js'
import { migrated } from '../../support/chat.js'
import { expect, test, type TestDatabase } from '../../support/database.js'
import { expectKeptOnce, textMessage } from '../../support/load.js'
import { sendFromProcesses } from '../../support/sending-processes.js'
import { untilRows } from '../../support/until.js'

const PROCESSES = 8
const MESSAGES_EACH = 500
const NAMES = 200
const REGISTERED = 20
const SHARED_PHONE = '+1 555 0100'

const nameOf = (guest: number): string => `guest ${guest}`
/** Half of the guests give one and the same phone, as a family or an office does. */
const phoneOf = (guest: number): string => (guest % 2 === 0 ? SHARED_PHONE : `+1 555 ${1_000 + guest}`)

const messagesOf = (process: number): readonly NewChatMessage[] =>
  Array.from({ length: MESSAGES_EACH }, (_, n) => {
    const guest = (process * MESSAGES_EACH + n) % NAMES
    return {
      ...textMessage(`message ${n} of process ${process}`),
      guestUsername: nameOf(guest),
      guestPhone: phoneOf(guest),
      idempotencyKey: `${process}:${n}`,
    }
  })

const REGISTERED_NAMES = Array.from({ length: REGISTERED }, (_, n) => nameOf((n * NAMES) / REGISTERED + (n % 2)))

/**
 * Registers guests as an application does that knows nothing of the store. Half of them are written before the first
 * message, and committed when a store already waits to hear whether the name is free.
 */
const startRegistering = async (database: TestDatabase): Promise<() => Promise<void>> => {
  const crm = await database.client()
  const register = (username: string) =>
    crm.query('INSERT INTO "Client" ("username", "updatedAt") VALUES ($1, now())', [username])
  await crm.query('BEGIN')
  for (const username of REGISTERED_NAMES.slice(0, REGISTERED / 2)) await register(username)
  const { rows } = await crm.query<{ pid: number }>('SELECT pg_backend_pid() AS "pid"')
  const pid = rows[0]?.pid
  return async () => {
    const waiting =
      'SELECT FROM pg_stat_activity WHERE datname = current_database() AND $1 = ANY (pg_blocking_pids(pid))'
    await untilRows(database, waiting, { what: 'a store waits for the application' }, [pid])
    await crm.query('COMMIT')
    for (const username of REGISTERED_NAMES.slice(REGISTERED / 2)) await register(username).catch(unlessTaken)
  }
}

/** To be told that the name is taken is the application's own affair. */
const unlessTaken = (error: unknown): void => {
  if (!(error instanceof pg.DatabaseError && error.constraint === 'Client_username_key')) throw error
}

const readClientSequence = async (database: TestDatabase): Promise<number> => {
  const [row] = await database.query<{ value: number }>(
    'SELECT CASE WHEN is_called THEN last_value::integer ELSE 0 END AS "value" FROM "Client_id_seq"',
  )
  return row?.value ?? Number.NaN
}

test('8 processes with 500 first messages each, of 200 guests of whom 20 are being registered, make 200 clients and lose nothing', async ({
  database,
}) => {
  await migrated(database)
  const before = await readClientSequence(database)
  const lists = Array.from({ length: PROCESSES }, (_, process) => messagesOf(process))
  const sent = await sendFromProcesses(database.url, lists, await startRegistering(database))
  expect(sent.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual(
    lists.map(() => ({ exitCode: 0, stderr: '' })),
  )

  const acknowledged = new Map(
    lists.flatMap((messages, process) =>
      messages.map((message, n) => {
        const saved = sent[process]?.saved[n]
        if (saved === undefined) throw new Error(`message ${n} of process ${process} has no answer`)
        return [saved.idempotencyKey, { message, saved }] as const
      }),
    ),
  )
  expect(acknowledged.size).toBe(PROCESSES * MESSAGES_EACH)
  await expectKeptOnce(database, acknowledged)

  const clients = await database.query<{ username: string; phone: string | null }>(
    'SELECT "username", "phone" FROM "Client"',
  )
  expect(clients.map(({ username }) => username).toSorted()).toEqual(
    Array.from({ length: NAMES }, (_, guest) => nameOf(guest)).toSorted(),
  )
  expect(clients.filter(({ phone }) => phone !== null)).toEqual([])
  const strays = await database.query(
    `SELECT m."id", m."guestUsername", m."guestPhone", c."username"
     FROM "ChatMessage" AS m LEFT JOIN "Client" AS c ON c."id" = m."clientId"
     WHERE c."username" IS DISTINCT FROM m."guestUsername"
       OR m."guestPhone" IS DISTINCT FROM
         CASE WHEN split_part(m."guestUsername", ' ', 2)::integer % 2 = 0
           THEN '${SHARED_PHONE}' ELSE '+1 555 ' || (1000 + split_part(m."guestUsername", ' ', 2)::integer) END`,
  )
  expect(strays).toEqual([])
  const created = sent.flatMap(({ saved }) => saved).filter(({ clientCreated }) => clientCreated).length
  expect(created).toBeLessThanOrEqual(NAMES - REGISTERED / 2)
  expect(created).toBeGreaterThanOrEqual(NAMES - REGISTERED)

  // Client ids are int4: a race may cost some, but not one a message.
  expect((await readClientSequence(database)) - before).toBeLessThanOrEqual(2 * NAMES)
})
