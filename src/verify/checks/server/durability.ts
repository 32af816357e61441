import { qualified } from '../../../database/identifier.js'
import { resetSetting } from '../../../database/reset-setting.js'
import type { ServerCheck, ServerSituation } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { finding, type Finding } from '../../finding.js'
import type { ServerSetting } from '../../facts/server-facts.js'
import { SYNCHRONOUS_COMMIT_OFF } from './synchronous-commit-off.js'
import { sql } from '../../../next-step.js'

type Code = 'table_unlogged' | 'fsync_off' | 'full_page_writes_off' | 'synchronous_commit_off'

/** Does a committed message survive a crash of the server? */
export const durability: ServerCheck<Code> = {
  name: 'durability',
  expectations: ALWAYS,
  needs: {},
  findings: (facts) => {
    const { fsync, fullPageWrites, synchronousCommit, unloggedTables } = facts.server
    return [
      ...unloggedTables.map((table) => unlogged(table, facts)),
      ...offFindings('fsync', fsync, facts),
      ...offFindings('full_page_writes', fullPageWrites, facts),
      ...offFindings('synchronous_commit', synchronousCommit, facts),
    ]
  },
  explanations: {
    table_unlogged: {
      title: 'a table is UNLOGGED: a crash empties it',
      severities: ['error'],
      meaning: `PostgreSQL writes no WAL for an UNLOGGED table. The table is emptied after a crash or an immediate
        shutdown, and is always empty on a replica. Messages in it are not durable.`,
      cause: 'CREATE UNLOGGED TABLE or ALTER TABLE … SET UNLOGGED, often to speed up an import, and never reverted.',
      remedy: `Run ALTER TABLE … SET LOGGED. It rewrites the table under an exclusive lock, so choose a quiet time
        for a large table.`,
    },
    fsync_off: {
      title: 'fsync is off: a crash can destroy the database',
      severities: ['warning'],
      meaning: `The server does not wait until data is on disk. After a crash of the machine, data files and WAL may
        be inconsistent and the whole database unreadable. No message is durable.`,
      cause: 'It was turned off for tests or a bulk load.',
      remedy: `Turn it on where the finding says it was turned off, then run sync on the machine or restart the
        server cleanly. For faster commits, write in batches, as chatkeep does.`,
    },
    full_page_writes_off: {
      title: 'full_page_writes is off: a crash can leave torn pages',
      severities: ['warning'],
      meaning: `A page that was partly written when the machine lost power cannot be repaired from the WAL. Its rows
        are damaged, unnoticed until they are read.`,
      cause: `It was turned off to write less WAL, often in the belief that the file system writes whole pages (few
        do, and not on every disk).`,
      remedy: 'Turn it on where the finding says it was turned off. A reload is enough.',
    },
    synchronous_commit_off: SYNCHRONOUS_COMMIT_OFF,
  },
}

const unlogged = (table: string, { schema }: ServerSituation): Finding<Code> =>
  finding('error', 'table_unlogged', {
    object: `table "${table}"`,
    expected: 'logged',
    actual: 'UNLOGGED: a crash of the server empties it',
    help: sql(`ALTER TABLE ${qualified(schema, table)} SET LOGGED`),
  })

const CONSEQUENCES = {
  fsync: { code: 'fsync_off', consequence: 'a crash can destroy the whole database' },
  full_page_writes: {
    code: 'full_page_writes_off',
    consequence: 'a crash can leave torn pages, which cannot be repaired',
  },
  synchronous_commit: { code: 'synchronous_commit_off', consequence: 'a crash can lose recent commits' },
} as const

const offFindings = (
  name: keyof typeof CONSEQUENCES,
  { value, source }: ServerSetting,
  { database, server: { user } }: ServerSituation,
): readonly Finding<Code>[] => {
  if (value !== 'off') return []
  const { code, consequence } = CONSEQUENCES[name]
  const words = { object: `setting ${name}`, expected: 'on', actual: `off (${source}): ${consequence}` }
  const help = resetSetting({ name, source, wanted: 'on', database, role: user })
  return [finding('warning', code, { ...words, help })]
}
