import pg from 'pg'
import { on, withStore } from '../../support/chat.js'
import { expect, test } from '../../support/database.js'
import { loadPartitioned } from '../../support/partitioned.js'
import { CONTRACT_SQL, ofPg, TRANSACTION_CONTRACT } from '../../support/transaction-contract.js'

test('a partitioned table of messages takes what a transaction of the application saves', async ({ database }) => {
  await loadPartitioned(database)
  expect((await on(database, 'migrate')).exitCode).toBe(0)
  await database.load(CONTRACT_SQL)
  const pool = new pg.Pool({ connectionString: database.url, max: 3 })
  await withStore(database, async (store) => {
    for (const holds of Object.values(TRANSACTION_CONTRACT)) await holds({ library: ofPg(pool), store, database })
  })
  await pool.end()
})
