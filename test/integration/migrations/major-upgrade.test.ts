import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startEmbeddedServer } from '../../../src/database/embedded/embedded-server.js'
import { createChatStore } from '../../../src/index.js'
import { repository } from '../../support/chatkeep-process.js'
import { readPage } from '../../support/docs/pages.js'
import { initialiseNode } from '../../support/replication.js'
import { throwAwaySettings } from '../../support/throw-away.js'
import { until } from '../../support/until.js'

const INSTALLED = '/usr/lib/postgresql'
const EMBEDDED_MAJOR = 18

/** The newest installed PostgreSQL that is older than the embedded one, with its pg_dump. */
const findOlder = async (): Promise<string | undefined> => {
  const versions = (await readdir(INSTALLED).catch(() => [])).map(Number)
  const older = Math.max(0, ...versions.filter((version) => version < EMBEDDED_MAJOR))
  return older === 0 ? undefined : join(INSTALLED, String(older), 'bin')
}

const older = await findOlder()

/** The commands of the page, one for each block, in their order. */
const commandsOf = (page: string): readonly string[] =>
  Array.from(page.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm), ([, text = '']) => text)

test.skipIf(older === undefined)(
  'an upgrade step by step, as the page has it (skipped where no older PostgreSQL is installed)',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'upgrade-test-'))
    const ends: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })]
    try {
      await chmod(folder, 0o755)
      const oldServer = await initialiseNode(join(folder, 'old'), older ?? '', {
        ...throwAwaySettings,
        wal_level: 'logical',
      })
      ends.unshift(() => oldServer.stop('immediate'))
      const newServer = await startEmbeddedServer({ ownerPid: process.pid, settings: throwAwaySettings })
      ends.unshift(() => newServer.stop())
      await symlink(join(repository, 'bin', 'chatkeep.js'), join(folder, 'chatkeep'))
      const environment = {
        ...process.env,
        PATH: [folder, older, process.env.PATH].join(delimiter),
        OLD: oldServer.url('crm'),
        NEW: newServer.url('crm').replace(/\?.*/, ''),
      }
      const shell = async (script: string): Promise<string> => {
        const here = script.replace('postgresql://postgres@new.example/postgres', newServer.url('postgres'))
        const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', here], { env: environment })
        return stdout.trim()
      }

      await oldServer.query('CREATE DATABASE "crm"')
      await shell(`psql -Xq -d "$OLD" -o /dev/null -f "${join(repository, 'test/support/fixtures/crm-before.sql')}"`)
      await shell('chatkeep migrate -d "$OLD" --yes')
      await saveAsGuest(environment.OLD, 'before')

      const [, ...commands] = commandsOf((await readPage('docs/major-upgrade.md')).text)
      expect(commands).toHaveLength(12)
      const [
        verify,
        unidentified,
        publish,
        create,
        subscribe,
        isCopied,
        analyze,
        close,
        isCaughtUp,
        end,
        sequences,
        verifyNew,
      ] = commands
      await shell(verify ?? '')
      expect(await shell(unidentified ?? '')).toBe('')
      await shell(`psql -Xq -d "$OLD" -c 'CREATE TABLE unidentified (a integer)'`)
      expect(await shell(unidentified ?? '')).toBe('unidentified')
      await shell(`psql -Xq -d "$OLD" -c 'DROP TABLE unidentified'`)
      for (const command of [publish, create, subscribe]) await shell(command ?? '')
      await until(async () => (await shell(isCopied ?? '')) === '0', { what: 'every table is copied' })
      await shell(analyze ?? '')
      await saveAsGuest(environment.OLD, 'meanwhile')
      await shell(close ?? '')
      await expect(saveAsGuest(environment.OLD, 'too late')).rejects.toMatchObject({ code: 'database_unavailable' })
      await until(async () => (await shell(isCaughtUp ?? '')) === 't', { what: 'the new server has everything' })
      for (const command of [end, sequences, verifyNew]) await shell(command ?? '')

      await saveAsGuest(environment.NEW, 'after')
      await shell(
        'chatkeep rollback -d "$NEW" --confirm crm && chatkeep migrate -d "$NEW" --yes && chatkeep verify -d "$NEW"',
      )
      expect(
        await shell(
          `psql -XAt -d "$NEW" -c 'SELECT "text", "clientId" IS NOT NULL FROM "ChatMessage" ORDER BY "id" DESC LIMIT 3'`,
        ),
      ).toBe('after|t\nmeanwhile|t\nbefore|t')
    } finally {
      for (const end of ends) await end()
    }
  },
)

const saveAsGuest = async (url: string, text: string): Promise<void> => {
  const store = createChatStore({ databaseUrl: url }, { deadlineMs: 2_000 })
  try {
    await store.saveChatMessage({ guestUsername: text, senderType: 'CLIENT', messageType: 'TEXT', text })
  } finally {
    await store.close()
  }
}
