import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { findServerAccount } from '../../src/database/embedded/process.js'
import { findFreePort } from '../support/replication.js'
import { until } from '../support/until.js'

/** Where Debian's package pgpool2 has it. */
export const PGPOOL = '/usr/sbin/pgpool'

/** Runs a pgpool-II that sends reads to the standby alone. The servers trust everybody. */
export const withPgpool = async (
  primaryUrl: string,
  standbyUrl: string,
  work: (url: string) => Promise<void>,
): Promise<void> => {
  const account = await findServerAccount()
  const folder = await mkdtemp(join(tmpdir(), 'chatkeep-pgpool-'))
  const [port, pcpPort] = [await findFreePort(), await findFreePort()]
  await chmod(folder, 0o755)
  if (account !== undefined) await chown(folder, account.uid, account.gid)
  const file = join(folder, 'pgpool.conf')
  const backends = [primaryUrl, standbyUrl].flatMap((url, index) => [
    `backend_hostname${index} = '127.0.0.1'`,
    `backend_port${index} = ${new URL(url).port}`,
    `backend_weight${index} = ${index}`,
  ])
  await writeFile(
    file,
    [
      `backend_clustering_mode = 'streaming_replication'`,
      `listen_addresses = '127.0.0.1'`,
      `port = ${port}`,
      `pcp_port = ${pcpPort}`,
      ...['socket_dir', 'pcp_socket_dir', 'wd_ipc_socket_dir', 'logdir'].map((name) => `${name} = '${folder}'`),
      `pid_file_name = '${join(folder, 'pgpool.pid')}'`,
      ...backends,
      'load_balance_mode = on',
      `sr_check_user = 'postgres'`,
      'num_init_children = 40',
      '',
    ].join('\n'),
  )
  const log = await open(join(folder, 'pgpool.log'), 'a')
  const argv = ['-n', '-f', file, '-F', join(folder, 'pcp.conf'), '-a', join(folder, 'pool_hba.conf')]
  const child = spawn(PGPOOL, argv, { cwd: folder, stdio: ['ignore', log.fd, log.fd], ...account })
  await log.close()
  const ended = once(child, 'exit')
  const url = new URL(primaryUrl)
  url.port = String(port)
  try {
    await until(() => knowsStandby(url.href), { what: 'pgpool-II knows the standby', intervalMs: 200 })
    await work(url.href)
  } finally {
    // The fast shutdown: it ends the sessions of its clients.
    child.kill('SIGINT')
    await ended
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
}

const knowsStandby = async (connectionString: string): Promise<boolean> => {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ role: string; status: string }>('SHOW pool_nodes')
    return rows.some(({ role, status }) => role === 'standby' && status === 'up')
  } finally {
    await client.end().catch(() => undefined)
  }
}
