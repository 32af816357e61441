import { randomBytes } from 'node:crypto'
import { escapeIdentifier } from 'pg'
import type { TestDatabase } from './database.js'

/** A role with no privileges except those that the work grants; dropped afterwards. */
export interface LimitedRole {
  /** Escaped for SQL. */
  readonly name: string
  /** The test's database as this role. */
  readonly url: string
}

export const withLimitedRole = async (
  database: TestDatabase,
  work: (role: LimitedRole) => Promise<void>,
  prefix = 'chatkeep_test_',
): Promise<void> => {
  const name = `${prefix}${randomBytes(6).toString('hex')}`
  const password = randomBytes(8).toString('hex')
  const url = new URL(database.url)
  url.username = name
  url.password = password
  await database.query(`CREATE ROLE ${escapeIdentifier(name)} LOGIN PASSWORD '${password}'`)
  try {
    await work({ name: escapeIdentifier(name), url: url.href })
  } finally {
    await database.query(`DROP OWNED BY ${escapeIdentifier(name)}`)
    await database.query(`DROP ROLE ${escapeIdentifier(name)}`)
  }
}
