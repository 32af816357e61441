import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Certificates of an authority of their own, as files. */
export interface Certificates {
  /** The authority's certificate. */
  readonly root: string
  /** A certificate for a name or an address, as openssl writes it: `DNS:localhost`. */
  readonly issue: (name: string, commonName?: string) => Promise<Certificate>
  /** Makes a list of revoked certificates, and returns its file. */
  readonly revoke: (name: string, revoked: readonly Certificate[]) => Promise<string>
  readonly remove: () => Promise<void>
}

export interface Certificate {
  readonly key: Buffer
  readonly cert: Buffer
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/** Needs openssl. */
export const createCertificates = async (): Promise<Certificates> => {
  const folder = await mkdtemp(join(tmpdir(), 'chatkeep-tls-'))
  const openssl = (...argv: readonly string[]) => run('openssl', argv, { cwd: folder })
  await openssl('req', '-x509', ...NEW_KEY, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=test', '-days', '2')
  return {
    root: join(folder, 'ca.crt'),
    issue: async (name, commonName = 'server') => {
      await writeFile(join(folder, 'names'), `subjectAltName=${name}`)
      await openssl('req', ...NEW_KEY, '-keyout', 'key', '-out', 'request', '-subj', `/CN=${commonName}`)
      const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names']
      await openssl('x509', '-req', '-in', 'request', '-out', 'cert', ...signing)
      return { key: await readFile(join(folder, 'key')), cert: await readFile(join(folder, 'cert')) }
    },
    revoke: async (name, revoked) => {
      await writeFile(
        join(folder, `${name}.conf`),
        `[ca]\ndefault_ca=own\n[own]\ndatabase=${name}.index\ndefault_md=sha256\n`,
      )
      await writeFile(join(folder, `${name}.index`), '')
      const authority = ['ca', '-config', `${name}.conf`, '-keyfile', 'ca.key', '-cert', 'ca.crt']
      for (const { cert } of revoked) {
        await writeFile(join(folder, 'revoked'), cert)
        await openssl(...authority, '-revoke', 'revoked')
      }
      await openssl(...authority, '-gencrl', '-crldays', '2', '-out', `${name}.crl`)
      return join(folder, `${name}.crl`)
    },
    remove: () => rm(folder, { recursive: true }),
  }
}

export const hasOpenssl = (): Promise<boolean> =>
  run('openssl', ['version']).then(
    () => true,
    () => false,
  )

/** What the front saw. */
export interface TlsFront {
  readonly port: number
  /** Connections on which a client sent something after the handshake. */
  readonly talked: () => number
}

/** PostgreSQL's answer to a request for TLS. */
const YES = 'S'
const NO = 'N'

/** Takes TLS off the connections to the server of a database URL; without a certificate it offers none. */
export const withTlsFront = async (
  databaseUrl: string,
  certificate: Certificate | undefined,
  work: (front: TlsFront) => Promise<void>,
): Promise<void> => {
  const behind = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let talked = 0
  const keep = <S extends Socket>(socket: S): S => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    return socket
  }
  const server = createServer((near) => {
    keep(near).once('data', () => {
      near.write(certificate === undefined ? NO : YES)
      if (certificate === undefined) return
      const plain = keep(new TLSSocket(near, { isServer: true, ...certificate }))
      plain.once('data', (first: Buffer) => {
        talked += 1
        const far = keep(connect(Number(behind.port), behind.hostname))
        far.write(first)
        plain.pipe(far).pipe(plain)
      })
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await work({ port: (server.address() as AddressInfo).port, talked: () => talked })
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}
