import { chown, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { findServerAccount, runProgram } from '../../src/database/embedded/process.js'

/** The standby's name, and that of the slot that keeps WAL for it. */
export const STANDBY = 'standby'

/**
 * Copies a running server, as pg_basebackup does, which the embedded PostgreSQL lacks.
 * @param session of the server; ended here, since the backup ends with it
 * @param target a folder that does not exist; the copy in it starts as a standby
 */
export const copyWhileItRuns = async (session: pg.Client, source: string, target: string): Promise<void> => {
  try {
    await session.query(`SELECT pg_create_physical_replication_slot('${STANDBY}', true)`)
    await session.query(`SELECT pg_backup_start('${STANDBY}', true)`)
    // It complains of files that vanish meanwhile, which the WAL makes good.
    await runProgram('/bin/cp', ['-a', source, target], {})
    const { rows } = await session.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)')
    const data = join(target, 'data')
    await writeForServer(join(data, 'backup_label'), rows[0]?.labelfile ?? '')
    await writeForServer(join(data, 'standby.signal'), '')
    await rm(join(data, 'postmaster.pid'))
    // Of the process for which the copied server runs.
    await rm(join(target, 'chatkeep-postgres.owner'))
    for (const slot of await readdir(join(data, 'pg_replslot'))) {
      await rm(join(data, 'pg_replslot', slot), { recursive: true })
    }
  } finally {
    await session.end()
  }
}

const writeForServer = async (file: string, content: string): Promise<void> => {
  await writeFile(file, content)
  const account = await findServerAccount()
  if (account !== undefined) await chown(file, account.uid, account.gid)
}
