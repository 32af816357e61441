import type { Client } from 'pg'
import type { ConnectionTarget } from './connection-target.js'
import { isTlsSocket } from './target/node-tls.js'

/** How a connection is encrypted. */
export interface Encryption {
  /** Such as `TLSv1.3`. */
  readonly protocol: string
  readonly cipher: string
  /** What was checked of the certificate. */
  readonly verified: 'authority and host name' | 'authority' | 'nothing'
  readonly certificate: Certificate | undefined
}

/** The server's certificate. */
export interface Certificate {
  /** Its common name, or else all of its subject. */
  readonly subject: string
  readonly issuer: string
  readonly endsAt: Date
}

/** The stream of a client of node-postgres, which its types do not have. */
type WireClient = Client & { readonly connection: { readonly stream: unknown } }

/** How a connected client is encrypted up to its server or pooler; undefined if it is not. */
export const encryptionOf = (client: Client, { tls }: Pick<ConnectionTarget, 'tls'>): Encryption | undefined => {
  const { stream } = (client as WireClient).connection
  if (!isTlsSocket(stream)) return undefined
  const peer = stream.getPeerCertificate()
  return {
    protocol: stream.getProtocol() ?? '',
    cipher: stream.getCipher().standardName,
    verified: verifiedBy(tls.options),
    certificate:
      // The server sent none.
      Object.keys(peer).length === 0
        ? undefined
        : { subject: nameOf(peer.subject), issuer: nameOf(peer.issuer), endsAt: new Date(peer.valid_to) },
  }
}

const verifiedBy = ({
  rejectUnauthorized,
  checkServerIdentity,
}: ConnectionTarget['tls']['options']): Encryption['verified'] => {
  if (rejectUnauthorized !== true) return 'nothing'
  return checkServerIdentity === undefined ? 'authority and host name' : 'authority'
}

type Name = Readonly<Partial<Record<string, string | string[]>>>

const nameOf = (name: Name): string =>
  String(
    name.CN ??
      Object.entries(name)
        .map(([key, value]) => `${key}=${String(value)}`)
        .join(', '),
  )
