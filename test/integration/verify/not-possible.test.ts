import { createServer, type AddressInfo } from 'node:net'
import { migrated } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { withLimitedRole } from '../../support/limited-role.js'

describe('verify could not ask, and says so with exit code 3', () => {
  test.for([
    ['no right to the messages', 'GRANT SELECT ON chatkeep.migrations, "Client" TO'],
    ['no right to the clients', 'GRANT SELECT ON chatkeep.migrations, "ChatMessage" TO'],
    ['no right to the history', 'GRANT SELECT ON "ChatMessage", "Client" TO'],
  ] as const)('%s', async ([, grant], { database }) => {
    await migrated(database)
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(`${grant} ${name}`)
      const { exitCode, stderr, stdout } = await runChatkeep(['verify', '--database-url', url])
      expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' })
      expect(stderr).toMatch(/^error: the role \w+ may not read what is needed/)
      // What the hint says to type is enough.
      await database.load(/GRANT USAGE.*/.exec(stderr)?.[0] ?? '')
      expect((await runChatkeep(['verify', '--database-url', url])).exitCode).toBe(0)
    })
  })

  test('no right to the messages, where nothing but their columns is asked for', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    await withLimitedRole(database, async ({ url }) => {
      const { exitCode } = await runChatkeep(['verify', '--expect', 'rolled-back', '--database-url', url])
      expect(exitCode).toBe(3)
    })
  })

  test('a server that accepts and says nothing', async () => {
    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    const { exitCode, stdout, stderr } = await runChatkeep([
      'verify',
      '--json',
      '--database-url',
      `postgres://u@127.0.0.1:${port}/d?connect_timeout=1`,
    ])
    silent.close()
    expect(exitCode, stderr).toBe(3)
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, command: 'verify', error: { code: 'database_unreachable' } })
  })

  test('a database that is not there', async ({ database }) => {
    const url = new URL(database.url)
    url.pathname += '_not'
    const { exitCode, stderr } = await runChatkeep(['verify', '--database-url', url.href])
    expect(exitCode).toBe(3)
    expect(stderr).toContain('there is no database')
  })
})

describe('verify was asked wrongly, and says so with exit code 2', () => {
  test.for([
    ['no database', ['verify'], /no database is named/],
    ['another state', ['verify', '--expect', 'half'], /Allowed choices are migrated, rolled-back/],
    ['no time to answer', ['verify', '--statement-timeout', '0s'], /Write a duration from 10ms to 1d/],
    [
      'no such folder',
      ['verify', '--migrations', 'nowhere', '--database-url', 'postgres://u@127.0.0.1:1/d'],
      /migrations folder .*nowhere cannot be read/,
    ],
  ] as const)('%s', async ([, argv, message]) => {
    const { exitCode, stderr } = await runChatkeep(argv)
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(message)
  })
})
