import { migrated, on, withStore } from '../../support/chat.js'
import { expect, test } from '../../support/database.js'

test('a schema that was rolled back refuses a subscription when it is called, also one that continues', async ({
  database,
}) => {
  await migrated(database)
  await withStore(database, async (store) => {
    const listener = (): void => undefined
    const onError = listener
    const subscription = await store.onMessage(listener, { onError })
    await subscription.close()
    expect((await on(database, 'rollback', '--confirm', database.name)).exitCode).toBe(0)
    for (const since of [undefined, subscription.cursor])
      await expect(store.onMessage(listener, { since, onError })).rejects.toMatchObject({
        name: 'SchemaNotReady',
        code: 'schema_not_ready',
      })
  })
})
