import { migrated, on, withStore } from '../../support/chat.js'
import { expect, test, type TestDatabase } from '../../support/database.js'
import { SCRIPT_RUNNERS } from '../../support/run-script.js'
import { textMessage } from '../../support/load.js'

const { runAtOnce, runStatements } = SCRIPT_RUNNERS

// Written under a former name, under the name of a client who was merged, and under a name whose heir is gone.
const WITHOUT_CLIENT = ['maria', 'pedro', 'nina', 'new guest']

const namesOf = (database: TestDatabase) =>
  database.query(`
    SELECT m."text" AS "written", c."username" AS "of"
    FROM "ChatMessage" AS m JOIN "Client" AS c ON c."id" = m."clientId"
    WHERE m."text" <> 'known'
    ORDER BY m."id"`)

const withFormerNames = async (database: TestDatabase): Promise<void> => {
  await migrated(database)
  await withStore(database, async (store) => {
    const saveAs = async (guestUsername: string): Promise<number> =>
      (await store.saveChatMessage({ ...textMessage('known'), guestUsername })).clientId ?? -1
    const maria = await saveAs('maria')
    await store.renameClient({ clientId: maria, username: 'Maria Lopez' })
    await store.mergeClients({ from: await saveAs('pedro'), into: maria })
    const gone = await saveAs('gone')
    await store.mergeClients({ from: await saveAs('nina'), into: gone })
    await database.load(
      `DELETE FROM "ChatMessage" WHERE "clientId" = ${gone}; DELETE FROM "Client" WHERE "id" = ${gone}`,
    )
  })
  for (const name of WITHOUT_CLIENT)
    await database.query(
      `INSERT INTO "ChatMessage" ("senderType", "messageType", "text", "guestUsername") VALUES ('CLIENT', 'TEXT', $1, $1)`,
      [name],
    )
}

const LINKED = [
  { written: 'maria', of: 'Maria Lopez' },
  { written: 'pedro', of: 'Maria Lopez' },
  { written: 'nina', of: 'nina' },
  { written: 'new guest', of: 'new guest' },
]

test('a rollback links what was written under a former name to the client who had it', async ({ database }) => {
  await withFormerNames(database)
  const planned = await on(database, 'rollback', '--dry-run', '--json')
  expect(JSON.parse(planned.stdout)).toMatchObject({ price: { messagesToLink: 4, clientsToCreate: 1 } })
  const { exitCode, stderr } = await on(database, 'rollback', '--confirm', database.name)
  expect(exitCode, stderr).toBe(0)
  expect(await namesOf(database)).toEqual(LINKED)
})

test.for(['statements', 'transaction'])('so does its script: %s', async (form, { database }) => {
  await withFormerNames(database)
  const { stdout } = await on(database, 'rollback', '--sql', form)
  await (form === 'statements' ? runStatements : runAtOnce)(database, stdout)
  expect(await namesOf(database)).toEqual(LINKED)
})

test('a rollback knows no former names where an older chatkeep migrated', async ({ database }) => {
  await withFormerNames(database)
  await database.load('DROP TABLE chatkeep.client_aliases, chatkeep.merged_clients')
  const planned = await on(database, 'rollback', '--dry-run', '--json')
  expect(JSON.parse(planned.stdout)).toMatchObject({ price: { clientsToCreate: 2 } })
  const { exitCode, stderr } = await on(database, 'rollback', '--confirm', database.name)
  expect(exitCode, stderr).toBe(0)
  expect(await namesOf(database)).toContainEqual({ written: 'maria', of: 'maria' })
})
