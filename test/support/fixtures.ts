import { readFile } from 'node:fs/promises'
import type { TestDatabase } from './database.js'
import { templateDatabase } from './templates.js'

/** States in which databases are found, and the scripts that make each, in order. Tables are named as in the real application. */
const fixtures = {
  'crm-before': ['crm-before'],
  'hand-migrated': ['crm-before', 'hand-migrated'],
  /** Needs a superuser, who alone may mark an index INVALID. */
  'half-migrated': ['crm-before', 'half-migrated'],
  'foreign-migrations-table': ['foreign-migrations-table', 'crm-before'],
  'hosted-neighbours': ['hosted-neighbours', 'crm-before'],
} as const

export type FixtureName = keyof typeof fixtures

export const fixtureNames = Object.keys(fixtures) as FixtureName[]

/** Loads a fixture, with all that comes before and after it, into an empty database; an untouched one becomes a copy. */
export const loadFixture = async (database: TestDatabase, name: FixtureName): Promise<void> => {
  const template = await templateDatabase(name, (made) => runScripts(made, name))
  if (!(await database.becomeCopyOf(template))) await runScripts(database, name)
}

const runScripts = async (database: TestDatabase, name: FixtureName): Promise<void> => {
  for (const script of fixtures[name]) {
    await database.load(await readFile(new URL(`fixtures/${script}.sql`, import.meta.url), 'utf8'))
  }
}
