import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareBinaries } from '../../src/database/embedded/binaries.js'
import {
  childEnvironment,
  findServerAccount,
  findTemporaryFolder,
  runProgram,
} from '../../src/database/embedded/process.js'
import { throwAwaySettings } from './throw-away.js'
import type { Certificate, Certificates } from './tls-front.js'
import { until } from './until.js'

/** Three servers with the same roles: one without TLS, one with a certificate for `localhost`, and a standby without TLS. */
export interface ThreeServers {
  readonly plain: number
  readonly tls: number
  readonly standby: number
  /** A port on which nothing listens. */
  readonly closed: number
  /** That of the second one. */
  readonly certificate: Certificate
  /** Where the first one has its socket. */
  readonly sockets: string
  readonly stop: () => Promise<void>
}

const ROLES = `
  CREATE ROLE ana LOGIN; CREATE ROLE cert LOGIN; CREATE ROLE "tls-only" LOGIN; CREATE ROLE "plain-only" LOGIN;
  CREATE ROLE scram LOGIN PASSWORD 'secret'; CREATE ROLE clear LOGIN PASSWORD 'secret';
  CREATE DATABASE "read only"; ALTER DATABASE "read only" SET default_transaction_read_only = on;`

const RULES = `
local all all trust
hostnossl all tls-only all reject
hostssl all plain-only all reject
hostssl all cert all cert
host all cert all reject
host all scram all scram-sha-256
host all clear all password
host all all all trust
`

export const startThreeServers = async (certificates: Certificates): Promise<ThreeServers> => {
  const account = await findServerAccount()
  const { initdb, postgres } = await prepareBinaries(account)
  const folder = await mkdtemp(join(await findTemporaryFolder(account, tmpdir()), 'chatkeep-three-'))
  const children: ChildProcess[] = []
  const own = async (path: string): Promise<void> => {
    if (account !== undefined) await chown(path, account.uid, account.gid)
  }
  await own(folder)
  await chmod(folder, 0o755)

  const start = async (name: string, settings: Readonly<Record<string, string>> = {}): Promise<number> => {
    const port = await freePort()
    const all = { ...throwAwaySettings, listen_addresses: '127.0.0.1', port: String(port), ...settings }
    const flags = Object.entries(all).flatMap(([key, value]) => ['-c', `${key}=${value}`])
    const child = spawn(postgres, ['-D', join(folder, name), '-c', `unix_socket_directories=${folder}`, ...flags], {
      ...{ cwd: '/', env: childEnvironment, stdio: 'ignore' as const },
      ...account,
    })
    children.push(child)
    const isUp = async (): Promise<boolean> =>
      /^(ready|standby)/.test((await readFile(join(folder, name, 'postmaster.pid'), 'utf8')).split('\n')[7] ?? '')
    await until(isUp, { what: `the server ${name} is up` })
    return port
  }
  const stop = async (): Promise<void> => {
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null) return
        child.kill('SIGQUIT')
        await once(child, 'exit')
      }),
    )
    await rm(folder, { recursive: true, force: true })
  }

  try {
    const origin = join(folder, 'plain')
    const setUp = join(folder, 'set-up.sql')
    await runProgram(initdb, ['-D', origin, '-U', 'postgres', '-A', 'trust', '--no-sync', '--locale=C', '-E', 'UTF8'], {
      account,
    })
    await writeFile(join(origin, 'pg_hba.conf'), RULES)
    await writeFile(setUp, `${ROLES.trim().replaceAll(';', ';\n')}\n`)
    await runProgram('/bin/sh', ['-c', `exec "$0" --single -D "$1" postgres < "$2"`, postgres, origin, setUp], {
      account,
    })
    for (const name of ['tls', 'standby']) await copyOwned(origin, join(folder, name), own)
    const certificate = await certificates.issue('DNS:localhost')
    const { key, cert } = certificate
    for (const [name, content] of [
      ['server.key', key],
      ['server.crt', cert],
      ['root.crt', await readFile(certificates.root)],
    ] as const) {
      await writeFile(join(folder, 'tls', name), content, { mode: 0o600 })
      await own(join(folder, 'tls', name))
    }
    await writeFile(join(folder, 'standby', 'standby.signal'), '')
    const secure = { ssl: 'on', ssl_ca_file: 'root.crt' }
    const [plain, tls, standby] = await Promise.all([start('plain'), start('tls', secure), start('standby')])
    return { plain, tls, standby, certificate, closed: await freePort(), sockets: folder, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const copyOwned = async (from: string, to: string, own: (path: string) => Promise<void>): Promise<void> => {
  await mkdir(to, { mode: 0o700 })
  await cp(from, to, { recursive: true })
  const paths = await readdir(to, { recursive: true })
  await own(to)
  for (const path of paths) await own(join(to, path))
}

const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
