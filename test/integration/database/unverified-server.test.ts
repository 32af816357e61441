import { runChatkeep } from '../../support/chatkeep.js'
import { migrated, on } from '../../support/chat.js'
import { expect, test, type TestDatabase } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'

/** The same server, under an address that is not known to be this machine's. */
const asRemote = (database: TestDatabase): TestDatabase => {
  const url = new URL(database.url)
  url.hostname = '0.0.0.0'
  url.searchParams.delete('sslmode')
  return { ...database, url: url.href }
}

const NOTE = /^note +the certificate of 0\.0\.0\.0 is not checked: .*sslmode=verify-full/m

test('migrate and rollback note that the certificate of a server is not checked', async ({ database }) => {
  await loadFixture(database, 'crm-before')
  const remote = asRemote(database)
  expect((await on(remote, 'migrate', '--dry-run')).stdout).toMatch(NOTE)
  expect((await on(database, 'migrate', '--dry-run')).stdout).not.toMatch(NOTE)
  expect((await on(remote, 'migrate')).stderr).toMatch(NOTE)
  expect((await on(remote, 'rollback', '--dry-run')).stdout).toMatch(NOTE)
  expect((await on(remote, 'rollback', '--confirm', database.name)).stderr).toMatch(NOTE)
})

test('serve warns of that, and of an address that other machines can reach', async ({ database }) => {
  await migrated(database)
  const serve = async (url: string, host: string): Promise<string> => {
    const stop = new AbortController()
    const { stderr } = await runChatkeep(['serve', '--port', '0', '--host', host, '--database-url', url], {
      signal: stop.signal,
      onStdout: () => stop.abort(new Error('SIGTERM')),
    })
    return stderr
  }
  const open = await serve(asRemote(database).url, '0.0.0.0')
  expect(open).toMatch(/"database_not_verified".*the certificate of 0\.0\.0\.0 is not checked/)
  expect(open).toMatch(/"open_to_network","host":"0\.0\.0\.0".*put a proxy with TLS in front/)
  expect(await serve(database.url, '127.0.0.1')).not.toMatch(/not_verified|open_to_network/)
})
