import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as chatkeep from '../../src/index.js'
import { migrated, withStore } from '../support/chat.js'
import { repository } from '../support/chatkeep-process.js'
import { describe, expect } from '../support/database.js'
import { blocksOf } from '../support/docs/blocks.js'
import { compileExamples } from '../support/docs/compile-examples.js'
import { runExample } from '../support/docs/run-example.js'
import { CONTRACT_SQL, TRANSACTION_CONTRACT, type TransactionLibrary } from '../support/transaction-contract.js'
import { test } from './folder.js'
import { LIBRARIES } from './libraries.js'

interface LibraryModule {
  readonly open: (
    url: string,
    adapters: typeof chatkeep,
  ) => TransactionLibrary & { readonly close: () => Promise<void> }
}

describe('a message in the transaction of', () => {
  test.for(Object.entries(LIBRARIES))('%s', async ([, { module, prepare }], { database, libraries }) => {
    await migrated(database)
    await database.load(CONTRACT_SQL)
    await prepare?.(libraries, database.url)
    await libraries.write('library.js', module)
    // The library is installed for this run only: there are no types of it.
    const { open } = (await import(pathToFileURL(join(libraries.path, 'library.js')).href)) as LibraryModule
    const library = open(database.url, chatkeep)
    await withStore(database, async (store) => {
      for (const [name, holds] of Object.entries(TRANSACTION_CONTRACT)) {
        const failed = await holds({ library, store, database }).catch((error: unknown) => error)
        if (failed !== undefined) throw new Error(name, { cause: failed })
      }
    })
    await library.close()
    const stillOpen = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND "state" LIKE 'idle in%'`
    expect(await database.query(stillOpen)).toEqual([])
  })
})

describe('the example of', () => {
  const examples = blocksOf(readFileSync(join(repository, 'docs/library.md'), 'utf8')).flatMap(({ note, content }) => {
    const [, library] = /^library:(\w+)$/.exec(note) ?? []
    return library === undefined ? [] : [{ library, code: content }]
  })

  test('each library is there', () => {
    expect(examples.map(({ library }) => library).toSorted()).toEqual(Object.keys(LIBRARIES).toSorted())
  })

  test.for(examples)('$library compiles and runs', async ({ library, code }, { database, libraries }) => {
    await migrated(database)
    await LIBRARIES[library]?.prepare?.(libraries, database.url)
    expect(compileExamples([{ name: library, code }], libraries.path)).toEqual([])
    expect(await runExample(code, { DATABASE_URL: database.url }, libraries.path)).toBe('false\n')
    expect(await database.query('SELECT "clientId" FROM "ChatMessage"')).toEqual([{ clientId: 1 }])
  })
})
