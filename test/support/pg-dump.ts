import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestDatabase } from './database.js'

const run = promisify(execFile)

/** Why the database cannot be dumped here; undefined when it can. A pg_dump older than the server refuses it. */
export const reasonNotToDump = async (database: TestDatabase): Promise<string | undefined> => {
  const [server] = await database.query<{ major: number }>(
    `SELECT current_setting('server_version_num')::integer / 10000 AS major`,
  )
  const text = await run('pg_dump', ['--version']).then(
    ({ stdout }) => stdout,
    () => undefined,
  )
  if (text === undefined) return 'there is no pg_dump on this machine'
  const here = Number(/\d+/.exec(text)?.[0])
  if (server === undefined || here >= server.major) return undefined
  return `pg_dump ${here} cannot dump from PostgreSQL ${server.major}`
}

/** Dumps one database and restores it into another, each with further flags; errors of single statements are passed over. */
export const dumpAndRestore = async (
  from: TestDatabase,
  to: TestDatabase,
  flags: { readonly dump?: readonly string[]; readonly restore?: readonly string[] },
): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'chatkeep-dump-'))
  const file = join(folder, 'dump')
  try {
    await run('pg_dump', ['--format=custom', `--file=${file}`, ...(flags.dump ?? []), `--dbname=${from.url}`])
    await run('pg_restore', [...(flags.restore ?? []), `--dbname=${to.url}`, file]).catch((error: unknown) => {
      if (!(error instanceof Error) || !error.message.includes('errors ignored on restore')) throw error
    })
  } finally {
    await rm(folder, { recursive: true })
  }
}
