import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ConnectionOptions, SecureContextOptions, SecureVersion } from 'node:tls'
import { OperatorError } from '../../errors.js'
import { fileReason } from '../../file-reason.js'
import { shell } from '../../next-step.js'
import { ownUserId } from '../../private-file.js'
import { readNamedFile } from '../../read-named-file.js'
import { shellWord } from '../../shell-word.js'
import { nodeTls } from './node-tls.js'
import { isSocket, type Host } from './hosts.js'
import type { ConnectionKeywords } from './settings.js'

/** How a connection may be made. */
export type Way = 'tls' | 'plain'

export interface Tls {
  /** What is tried, in this order. */
  readonly ways: readonly Way[]
  /** `direct`: the handshake begins at once, without asking the server first. */
  readonly negotiation: 'postgres' | 'direct'
  /** Whether the server is told which host is meant (SNI). */
  readonly sendsName: boolean
  readonly options: ConnectionOptions
}

const WAYS: Readonly<Record<string, readonly Way[]>> = {
  disable: ['plain'],
  allow: ['plain', 'tls'],
  prefer: ['tls', 'plain'],
  require: ['tls'],
  'verify-ca': ['tls'],
  'verify-full': ['tls'],
}

/**
 * Turns the settings of TLS into what Node needs, by libpq's rules: a root certificate that exists is checked against in
 * every mode.
 * @throws OperatorError `invalid_connection_setting`
 */
export const tlsOf = (keywords: ConnectionKeywords, hosts: readonly Host[], home: string): Tls => {
  const isSystem = keywords.sslrootcert === 'system'
  const mode = oneOf('sslmode', keywords.sslmode, Object.keys(WAYS), isSystem ? 'verify-full' : 'prefer')
  const negotiation = oneOf('sslnegotiation', keywords.sslnegotiation, ['postgres', 'direct'] as const, 'postgres')
  const sendsName = oneOf('sslsni', keywords.sslsni, ['0', '1'], '1') === '1'
  const ways = WAYS[mode] ?? []
  if (isSystem && mode !== 'verify-full')
    throw invalid(
      `sslmode is ${mode}, but sslrootcert=system needs verify-full: public authorities sign certificates for everybody`,
    )
  if (negotiation === 'direct' && ways.includes('plain'))
    throw invalid(`sslmode is ${mode}, but sslnegotiation=direct needs require, verify-ca or verify-full`)
  if (mode === 'disable' || hosts.every(({ host }) => isSocket(host)))
    return { ways: ['plain'], negotiation, sendsName, options: {} }
  if (mode === 'verify-full' && hosts.some(({ isUnnamed }) => isUnnamed))
    throw invalid(
      'sslmode is verify-full, but hostaddr is given without host: a certificate is checked for a host name',
    )
  return { ways, negotiation, sendsName, options: tlsOptions(keywords, mode, join(home, '.postgresql')) }
}

/** A setting with a few possible values. */
export const oneOf = <Word extends string>(
  name: string,
  text: string | undefined,
  words: readonly Word[],
  otherwise: Word,
): Word => {
  const word = text === undefined ? otherwise : words.find((known) => known === text)
  if (word !== undefined) return word
  throw invalid(`${name} is ${JSON.stringify(text)}, but must be one of ${words.join(', ')}`)
}

const tlsOptions = (keywords: ConnectionKeywords, mode: string, folder: string): ConnectionOptions => {
  try {
    const root = rootOptions(keywords, mode, folder)
    const secure: SecureContextOptions = {
      ...root,
      ...certificateOptions(keywords, folder),
      ...versionOptions(keywords),
    }
    const isChecked = root.ca !== undefined || keywords.sslrootcert === 'system'
    return {
      secureContext: nodeTls().createSecureContext(secure),
      rejectUnauthorized: isChecked,
      ...(mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    }
  } catch (cause) {
    if (cause instanceof OperatorError) throw cause
    throw new OperatorError('invalid_connection_setting', `TLS cannot be set up: ${whyOf(cause)}`, {
      cause,
      hint: 'check sslmode, sslrootcert, sslcert, sslkey, sslpassword and sslcrl',
    })
  }
}

// The path says which setting named the file.
const whyOf = (cause: unknown): string => {
  const reason = fileReason(cause)
  const path = cause instanceof Error && 'path' in cause && typeof cause.path === 'string' ? `${cause.path}: ` : ''
  return reason === undefined ? (cause as Error).message : `${path}${reason}`
}

const rootOptions = (keywords: ConnectionKeywords, mode: string, folder: string): SecureContextOptions => {
  if (keywords.sslrootcert === 'system') return {}
  const file = keywords.sslrootcert ?? existing(join(folder, 'root.crt'))
  if (file === undefined && mode.startsWith('verify'))
    throw new OperatorError(
      'invalid_connection_setting',
      `sslmode is ${mode}, but there is no root certificate: ${join(folder, 'root.crt')} does not exist`,
      { hint: 'name one with sslrootcert=FILE, or the public authorities with sslrootcert=system' },
    )
  if (file === undefined) return {}
  const crlFile = keywords.sslcrl ?? existing(join(folder, 'root.crl'))
  const crlFolder = keywords.sslcrldir
  const crls = [
    ...(crlFile === undefined ? [] : [crlFile]),
    ...(crlFolder === undefined ? [] : readdirSync(crlFolder).map((name) => join(crlFolder, name))),
  ]
  return { ca: readNamedFile(file), ...(crls.length === 0 ? {} : { crl: crls.map((name) => readNamedFile(name)) }) }
}

const certificateOptions = (keywords: ConnectionKeywords, folder: string): SecureContextOptions => {
  const { sslcertmode, sslcert, sslkey, sslpassword } = keywords
  if (oneOf('sslcertmode', sslcertmode, ['disable', 'allow'], 'allow') === 'disable') return {}
  const certificate = sslcert ?? existing(join(folder, 'postgresql.crt'))
  if (certificate === undefined) return {}
  const key = sslkey ?? join(folder, 'postgresql.key')
  const cert = readNamedFile(certificate)
  refuseOpenKey(key)
  return { cert, key: readNamedFile(key), ...(sslpassword === undefined ? {} : { passphrase: sslpassword }) }
}

const versionOptions = (keywords: ConnectionKeywords): SecureContextOptions => {
  // As libpq's default.
  const least = versionOf('ssl_min_protocol_version', keywords.ssl_min_protocol_version) ?? 'TLSv1.2'
  const most = versionOf('ssl_max_protocol_version', keywords.ssl_max_protocol_version)
  if (most === undefined) return { minVersion: least }
  if (VERSIONS.indexOf(most) < VERSIONS.indexOf(least))
    throw invalid(`ssl_max_protocol_version is ${most}, but ssl_min_protocol_version is ${least}`)
  return { minVersion: least, maxVersion: most }
}

const VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const satisfies readonly SecureVersion[]

const versionOf = (name: string, text: string | undefined): (typeof VERSIONS)[number] | undefined => {
  if (text === undefined) return undefined
  const word = VERSIONS.find((version) => version.toLowerCase() === text.toLowerCase())
  return word ?? oneOf(name, text, VERSIONS, 'TLSv1.2')
}

const existing = (path: string): string | undefined => (existsSync(path) ? path : undefined)

const OTHERS_MAY_USE = 0o077
/** A group may read a key of root's. */
const OTHERS_MAY_USE_OF_ROOT = 0o037

const refuseOpenKey = (path: string): void => {
  const status = statSync(path)
  const { mode, uid } = status
  // A pipe has no mode of its own choice, and nobody should change that of a device.
  if (!status.isFile()) return
  if (ownUserId() === undefined || (mode & (uid === 0 ? OTHERS_MAY_USE_OF_ROOT : OTHERS_MAY_USE)) === 0) return
  throw new OperatorError('invalid_connection_setting', `the private key ${path} may be used by other users`, {
    hint: shell(`chmod 600 ${shellWord(path)}`),
  })
}

const invalid = (message: string): OperatorError => new OperatorError('invalid_connection_setting', message)
