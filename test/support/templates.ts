import { inject } from 'vitest'
import { administer, createDatabase, type TestDatabase } from './database.js'

const known = new Map<string, Promise<string>>()

/** The name of a database to copy, in the state that `make` leaves; whichever worker needs it first makes it, once a run. */
export const templateDatabase = (label: string, make: (database: TestDatabase) => Promise<void>): Promise<string> => {
  const name = `${inject('templatePrefix')}${label.replaceAll('-', '_')}`
  const template = known.get(name) ?? makeOnce(name, make)
  known.set(name, template)
  return template
}

const makeOnce = async (name: string, make: (database: TestDatabase) => Promise<void>): Promise<string> => {
  await administer(async (client) => {
    // The other workers wait for the template.
    await client.query('SELECT pg_advisory_lock(hashtext($1))', [name])
    try {
      const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name])
      if (rowCount !== 0) return
      const { database, close } = await createDatabase()
      await make(database)
      await close()
      await client.query(`ALTER DATABASE ${database.name} RENAME TO ${name}`)
    } finally {
      await client.query('SELECT pg_advisory_unlock(hashtext($1))', [name])
    }
  })
  return name
}
