import { on, withStore } from '../../support/chat.js'
import { describe, expect, test } from '../../support/database.js'
import { findingsOf, verify } from '../../support/findings.js'
import { typeSteps } from '../../support/next-steps.js'
import { loadPartitioned } from '../../support/partitioned.js'

const guest = { guestUsername: 'ada', senderType: 'CLIENT', messageType: 'TEXT' } as const

describe('verify of a partitioned table of messages', () => {
  test('with --probe says that the partition for now is missing', async ({ database }) => {
    await loadPartitioned(database)
    await on(database, 'migrate')
    await database.load('DROP TABLE "parts"."ChatMessage_default"')
    const found = findingsOf(await verify(database, '--probe'))
    expect(found.map(({ code }) => code)).toContain('probe_refused')
    expect(found.map(({ help }) => help).join()).toContain('create the partition for this time, or a DEFAULT partition')
  })

  test('says how to get a primary key back', async ({ database }) => {
    await loadPartitioned(database)
    await on(database, 'migrate')
    await database.load('ALTER TABLE "ChatMessage" DROP CONSTRAINT "ChatMessage_pkey"')
    const [found, ...others] = findingsOf(await verify(database))
    expect([found?.code, others]).toEqual(['unique_index_missing', []])
    await typeSteps(database, found?.steps ?? [])
    expect(findingsOf(await verify(database))).toEqual([])
  })

  test('is compared with the table of keys, which the next steps repair', async ({ database }) => {
    await loadPartitioned(database)
    await on(database, 'migrate')
    const key = { idempotencyKey: 'ours', createdAt: new Date('2026-01-31') }
    await withStore(database, (store) => store.saveChatMessage({ ...guest, ...key, text: 'ours' }))
    await database.load(`INSERT INTO "ChatMessage" ("createdAt", "senderType", "messageType", "guestUsername", "text", "idempotencyKey")
      SELECT '2026-02-03', 'CLIENT', 'TEXT', 'bea', "key", "key" FROM unnest(ARRAY['ours', 'theirs', 'twice', 'twice', NULL]) AS "key"`)
    const [found, ...others] = findingsOf(await verify(database))
    expect(others).toEqual([])
    expect(found).toMatchObject({ code: 'message_keys_differ', severity: 'error', actual: '4 among the newest 10,000' })
    await typeSteps(database, found?.steps ?? [])
    expect(findingsOf(await verify(database))).toEqual([])
    const kept = `SELECT "idempotencyKey" AS "key" FROM "ChatMessage" WHERE "idempotencyKey" IS NOT NULL ORDER BY 1`
    expect(await database.query(kept)).toEqual([{ key: 'ours' }, { key: 'theirs' }, { key: 'twice' }])
    await withStore(database, async (store) => {
      const theirs = { ...guest, guestUsername: 'bea', text: 'theirs', idempotencyKey: 'theirs' }
      expect(await store.saveChatMessage(theirs)).toMatchObject({ duplicate: true })
    })

    await database.load(
      `DROP TABLE "chatkeep"."message_keys"; UPDATE "ChatMessage" SET "idempotencyKey" = 'theirs' WHERE "text" = 'ours'`,
    )
    expect(findingsOf(await verify(database)).map(({ code }) => code)).toContain('doubled_idempotency_keys')
  })
})
