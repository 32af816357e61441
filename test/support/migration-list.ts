import { EFFECTS } from '../../src/migrations/ledger/effects.js'
import { BASE_MIGRATION } from '../../src/migrations/ledger/migration-names.js'

/** Titles of all migrations, such as `2_allow-guest-messages`, in order. A unit test compares the list with the files. */
export const MIGRATION_TITLES: readonly string[] = EFFECTS.map(({ migration }, index) => `${index + 1}_${migration}`)

export const MIGRATION_COUNT = MIGRATION_TITLES.length

/** How many migrations a full rollback undoes. */
export const UPDATE_COUNT = MIGRATION_COUNT - BASE_MIGRATION

/** Number of the migration that comes next. */
export const NEXT_MIGRATION = MIGRATION_COUNT + 1

/** Number of the migration with this name. */
export const migrationId = (name: string): number => {
  const index = EFFECTS.findIndex(({ migration }) => migration === name)
  if (index < 0) throw new Error(`no migration ${name}`)
  return index + 1
}
