import { migrated } from '../../support/chat.js'
import { expect, test } from '../../support/database.js'
import { expectExplained } from '../../support/explained.js'
import { findingsOf, verify } from '../../support/findings.js'

test("verify warns of a subscription that writes another server's history into chatkeep's tables", async ({
  database,
}) => {
  await migrated(database)
  await database.load(`
    CREATE SUBSCRIPTION "in" CONNECTION '' PUBLICATION "all" WITH (connect = false, slot_name = NONE);
    INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate)
    SELECT oid, 'chatkeep.runs'::regclass, 'r' FROM pg_subscription WHERE subname = 'in'`)
  try {
    const found = findingsOf(await verify(database))
    expect(found).toMatchObject([{ code: 'own_tables_subscribed', severity: 'warning', object: 'subscription "in"' }])
    expectExplained(found)
  } finally {
    await database.query('DROP SUBSCRIPTION "in"')
  }
  expect(findingsOf(await verify(database))).toEqual([])
})
