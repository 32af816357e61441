import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { shippedMigrations } from '../../src/migrations/ledger/migration-files.js'

/** Copies the migrations for the work to change, and removes the copy even when the work fails. */
export const withMigrationsFolder = async <T>(work: (folder: string) => Promise<T>): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), 'chatkeep-migrations-'))
  try {
    await cp(shippedMigrations(), folder, { recursive: true })
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}
