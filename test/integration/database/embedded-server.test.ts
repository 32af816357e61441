import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstat, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, onTestFinished } from 'vitest'
import { ExitCode } from '../../../src/errors.js'
import { type EmbeddedServers, query, test } from '../../support/embedded-servers.js'
import { isRunning, readPostmasterPid } from '../../support/process-tree.js'
import { until } from '../../support/until.js'

describe('a temporary server', () => {
  test('is UTF8, locale C, durable by default, and open to its password only', async ({ embedded }) => {
    const server = await embedded.start({ settings: {} })

    const [settings] = await query(
      server.url('postgres'),
      `SELECT current_setting('server_encoding') AS encoding, datcollate AS locale, current_setting('fsync') AS fsync,
         current_setting('synchronous_commit') AS commit, current_setting('TimeZone') AS zone
       FROM pg_database WHERE datname = 'template0'`,
    )
    expect(settings).toEqual({ encoding: 'UTF8', locale: 'C', fsync: 'on', commit: 'on', zone: 'UTC' })

    const wrong = server.url('postgres').replace(server.password, 'guessed')
    await expect(query(wrong, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' })
  })

  test('takes settings', async ({ embedded }) => {
    const server = await embedded.start({ settings: { max_connections: '7' } })
    expect(await query(server.url('postgres'), 'SHOW max_connections')).toEqual([{ max_connections: '7' }])
  })

  test('leaves nothing behind when it is stopped, and can be stopped twice', async ({ embedded }) => {
    const server = await embedded.start()
    expect(await embedded.temporaryFolders()).toHaveLength(1)
    const client = new pg.Client(server.url('postgres'))
    client.on('error', () => undefined)
    await client.connect()

    await Promise.all([server.stop(), server.stop()])
    await server.stop()

    expect(await embedded.temporaryFolders()).toEqual([])
    const socket = connect(server.port, server.host)
    await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('is stopped without waiting when it has died already', async ({ embedded }) => {
    const server = await embedded.start()
    const pid = await readPostmasterPid(server.dataDirectory)
    process.kill(pid, 'SIGKILL')

    const startedAt = performance.now()
    await server.stop()

    expect(performance.now() - startedAt).toBeLessThan(2_500)
    expect(await embedded.temporaryFolders()).toEqual([])
  })

  test('is stopped when it does not listen any more', async ({ embedded }) => {
    const server = await embedded.start()
    const pid = await readPostmasterPid(server.dataDirectory)
    process.kill(pid, 'SIGSTOP')

    await server.stop()

    expect(await isRunning(pid)).toBe(false)
    expect(await embedded.temporaryFolders()).toEqual([])
  })

  test('is not disturbed by the environment of its owner', async ({ embedded }) => {
    const environment = {
      ...{ PGHOST: 'elsewhere.invalid', PGPORT: '1', PGUSER: 'nobody', PGPASSWORD: 'wrong', PGDATABASE: 'none' },
      ...{ PGOPTIONS: '-c no_such_setting=1', PGSSLMODE: 'require', PGDATA: '/nowhere', PGCLIENTENCODING: 'LATIN1' },
      ...{ LC_ALL: 'xx_XX.UTF-8', TZ: 'Asia/Tokyo' },
    }
    const { url } = (await embedded.startOwner({ environment })).server()
    expect(await query(url, 'SHOW TimeZone')).toEqual([{ TimeZone: 'UTC' }])
  })

  test('outlives a Ctrl-C that its owner wants to answer first', async ({ embedded }) => {
    const owner = await embedded.startOwner()
    const { url } = owner.server()

    // The terminal sends it to the whole process group.
    process.kill(-(owner.process.pid ?? Number.NaN), 'SIGINT')

    expect(await query(url, 'SELECT pg_sleep(0.2) IS NULL AS done')).toEqual([{ done: false }])
  })
})

describe('a start that fails', () => {
  test('says why, and leaves nothing behind', async ({ embedded }) => {
    const error = await embedded.failToStart({ settings: { shared_buffers: 'plenty' } })
    expect(error).toMatchObject({ code: 'embedded_postgres_failed', exitCode: ExitCode.unreachable })
    expect(error.message).toContain('could not start: invalid value for parameter "shared_buffers": "plenty"')
    expect(await embedded.temporaryFolders()).toEqual([])
  })

  test('ends with the reason of an abort, and leaves nothing behind', async ({ embedded }) => {
    const abort = new AbortController()
    const starting = embedded.start({ signal: abort.signal })
    const settled = Promise.allSettled([starting])
    const isInitialising = async (): Promise<void> => {
      const [name = ''] = await embedded.temporaryFolders()
      const drafts = (await readdir(join(embedded.folder, name))).filter((entry) => entry.startsWith('data-'))
      expect(drafts).toHaveLength(1)
    }
    await until(isInitialising, { what: 'initdb has begun' })
    const reason = new Error('enough')
    abort.abort(reason)

    expect(await settled).toEqual([{ status: 'rejected', reason }])
    expect(await embedded.temporaryFolders()).toEqual([])
  })
})

describe('a kept folder', () => {
  test('keeps the data from one run to the next', async ({ embedded }) => {
    const dataDirectory = join(embedded.folder, 'some where', 'kept')
    const first = await embedded.start({ dataDirectory })
    await query(first.url('postgres'), 'CREATE TABLE kept AS SELECT 42 AS answer')
    await first.stop()

    const second = await embedded.start({ dataDirectory })

    expect(await query(second.url('postgres'), 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
    expect(second.dataDirectory).toBe(dataDirectory)
    expect(await embedded.temporaryFolders()).toEqual([])
  })

  test('is refused while another process uses it', async ({ embedded }) => {
    const dataDirectory = join(embedded.folder, 'kept')
    const owner = await embedded.startOwner({ options: { dataDirectory } })
    const { url } = owner.server()

    const error = await embedded.failToStart({ dataDirectory })

    expect(error).toMatchObject({ code: 'embedded_postgres_busy', exitCode: ExitCode.busy })
    expect(error.message).toBe(`process ${owner.process.pid ?? ''} uses ${dataDirectory}`)
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('is free again when its owner was killed, with the data of the server left running', async ({ embedded }) => {
    const dataDirectory = join(embedded.folder, 'kept')
    const owner = await embedded.startOwner({ options: { dataDirectory } })
    const { url } = owner.server()
    await query(url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    const orphan = await readPostmasterPid(dataDirectory)
    await owner.kill()
    expect(await isRunning(orphan)).toBe(true)

    const server = await embedded.start({ dataDirectory })

    expect(await isRunning(orphan)).toBe(false)
    expect(await query(server.url('postgres'), 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
  })

  test('writes and hands over nothing that a planted link points to', async ({ embedded }) => {
    const dataDirectory = join(embedded.folder, 'kept')
    await (await embedded.start({ dataDirectory })).stop()
    const precious = join(embedded.folder, 'precious')
    await writeFile(precious, 'precious', { mode: 0o644 })
    const before = await lstat(precious)
    await rm(join(dataDirectory, 'server.log'), { force: true })
    await symlink(precious, join(dataDirectory, 'server.log'))

    await (await embedded.start({ dataDirectory })).stop()

    expect(await readFile(precious, 'utf8')).toBe('precious')
    expect(await lstat(precious)).toMatchObject({ uid: before.uid, gid: before.gid, mode: before.mode })
    await rm(join(dataDirectory, 'chatkeep-postgres.password'))
    await symlink(precious, join(dataDirectory, 'chatkeep-postgres.password'))
    expect(await embedded.failToStart({ dataDirectory })).toMatchObject({ code: 'file_not_private' })
  })

  test('is initialised anew when that was cut off', async ({ embedded }) => {
    const dataDirectory = join(embedded.folder, 'kept')
    await mkdir(join(dataDirectory, 'data-cut-off', 'base'), { recursive: true })
    await writeFile(join(dataDirectory, 'chatkeep-postgres.owner'), '')

    const server = await embedded.start({ dataDirectory })

    expect(await query(server.url('postgres'), 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(await readdir(dataDirectory)).not.toContain('data-cut-off')
  })

  test('is free when another process has the pid of its owner now', async ({ embedded }) => {
    const dataDirectory = await leaveClaim(embedded, { startedAt: '1' })
    await embedded.start({ dataDirectory })
  })

  test('is refused when its owner runs in another container, because its state cannot be known', async ({
    embedded,
  }) => {
    const dataDirectory = await leaveClaim(embedded, { scope: 'elsewhere' })
    const error = await embedded.failToStart({ dataDirectory })
    expect(error).toMatchObject({ code: 'embedded_postgres_busy', exitCode: ExitCode.busy })
    expect(error.details.at(-1)).toContain(`rm ${dataDirectory}/chatkeep-postgres.owner`)
  })

  test('is refused when it holds something else, which stays as it is', async ({ embedded }) => {
    const dataDirectory = join(embedded.folder, 'documents')
    await mkdir(dataDirectory)
    await writeFile(join(dataDirectory, 'letter.txt'), 'dear')

    const error = await embedded.failToStart({ dataDirectory })

    expect(error).toMatchObject({ code: 'embedded_postgres_directory', exitCode: ExitCode.usage })
    expect(error.message).toBe(`${dataDirectory} is not empty, and was not created by chatkeep`)
    expect(await readdir(dataDirectory)).toEqual(['letter.txt'])
  })

  test('is refused when another major version made it', async ({ embedded }) => {
    const dataDirectory = join(embedded.folder, 'kept')
    await (await embedded.start({ dataDirectory })).stop()
    await writeFile(join(dataDirectory, 'data', 'PG_VERSION'), '17\n')

    const error = await embedded.failToStart({ dataDirectory })

    expect(error).toMatchObject({ code: 'embedded_postgres_version' })
    expect(error.message).toContain('holds data of PostgreSQL 17, the embedded server is PostgreSQL 18')
  })
})

describe('what a killed owner leaves behind', () => {
  test('is stopped and removed by the next start', async ({ embedded }) => {
    const owner = await embedded.startOwner()
    const { dataDirectory } = owner.server()
    const orphan = await readPostmasterPid(dataDirectory)
    await owner.kill()
    expect(await isRunning(orphan)).toBe(true)

    const server = await embedded.start()

    expect(await isRunning(orphan)).toBe(false)
    expect(await embedded.temporaryFolders()).toEqual([server.dataDirectory.slice(embedded.folder.length + 1)])
  })

  test('is left alone while the owner lives', async ({ embedded }) => {
    const owner = await embedded.startOwner()
    const { url } = owner.server()

    await (await embedded.start()).stop()

    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    owner.process.stdin?.end()
    await once(owner.process, 'exit')
    expect(await embedded.temporaryFolders()).toEqual([])
  })

  test('does not get another process killed that has the pid of the server now', async ({ embedded }) => {
    const owner = await embedded.startOwner()
    const { dataDirectory } = owner.server()
    const orphan = await readPostmasterPid(dataDirectory)
    await owner.kill()
    const lockFile = join(dataDirectory, 'data', 'postmaster.pid')
    const lock = await readFile(lockFile, 'utf8')
    process.kill(orphan, 'SIGKILL')
    await until(async () => !(await isRunning(orphan)), { what: 'the server has ended' })
    const bystander = spawn('sleep', ['60'])
    onTestFinished(() => {
      bystander.kill()
    })
    await writeFile(lockFile, lock.replace(String(orphan), String(bystander.pid)))

    await embedded.start()

    expect(bystander.exitCode ?? bystander.signalCode).toBeNull()
    expect(await embedded.temporaryFolders()).toHaveLength(1)
  })
})

/** A kept folder with the claim of an owner that differs from this process in something. */
const leaveClaim = async (embedded: EmbeddedServers, difference: Record<string, string>): Promise<string> => {
  const dataDirectory = join(embedded.folder, 'kept')
  const ownerFile = join(dataDirectory, 'chatkeep-postgres.owner')
  const server = await embedded.start({ dataDirectory })
  const claim = JSON.parse(await readFile(ownerFile, 'utf8')) as Record<string, unknown>
  await server.stop()
  await writeFile(ownerFile, JSON.stringify({ ...claim, ...difference }))
  return dataDirectory
}
