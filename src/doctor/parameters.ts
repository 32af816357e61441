import type { ConnectionTarget } from '../database/connection-target.js'
import type { SettingSource } from '../database/target/sources.js'

/** A parameter of the connection as it is in force. */
export interface Parameter {
  readonly name: string
  /** `***` for a secret, `none` without one. */
  readonly value: string
  readonly source: SettingSource
}

/** The parameters that are always shown, as far as nobody made them. */
export const parametersOf = (target: ConnectionTarget): readonly Parameter[] => {
  const given = target.given ?? []
  const isGiven = (name: string): boolean => given.some((setting) => setting.name === name)
  const source: SettingSource = { kind: target.given === undefined ? 'embedded' : 'default', name: '' }
  const defaults = DEFAULTS.flatMap(([name, valueOf]) =>
    isGiven(name) ? [] : [{ name, value: valueOf(target), source }],
  )
  const all = [...defaults, ...given, ...(isGiven('password') ? [] : [passwordOf(target, source)])]
  return all.toSorted((a, b) => rankOf(a) - rankOf(b))
}

const DEFAULTS: readonly (readonly [name: string, valueOf: (target: ConnectionTarget) => string])[] = [
  ['host', ({ hosts }) => hosts.map(({ host }) => host).join(',')],
  ['port', ({ hosts }) => [...new Set(hosts.map(({ port }) => port))].join(',')],
  ['dbname', ({ database }) => database],
  ['user', ({ user }) => user],
  ['sslmode', (target) => sslmodeOf(target)],
  ['connect_timeout', ({ connectTimeoutMs }) => String(connectTimeoutMs / 1_000)],
  ['schema', ({ schema }) => schema ?? 'public'],
]

// libpq's default: verify-full where the public authorities are named, else prefer; our own database has no TLS.
const sslmodeOf = ({ given, tls }: ConnectionTarget): string => {
  if (given === undefined) return tls.ways.includes('tls') ? 'require' : 'disable'
  return given.some(({ name, value }) => name === 'sslrootcert' && value === 'system') ? 'verify-full' : 'prefer'
}

const passwordOf = ({ password, hosts, passwordFile: file }: ConnectionTarget, otherwise: SettingSource): Parameter => {
  if (password !== undefined) return { name: 'password', value: '***', source: otherwise }
  return hosts.some((host) => host.password !== undefined)
    ? { name: 'password', value: '***', source: { kind: 'password-file', name: '', file } }
    : { name: 'password', value: 'none', source: { kind: 'default', name: '' } }
}

const ORDER = ['host', 'hostaddr', 'port', 'dbname', 'user', 'password', 'sslmode', 'sslrootcert', 'schema']

const rankOf = ({ name }: Pick<Parameter, 'name'>): number => {
  const index = ORDER.indexOf(name)
  return index === -1 ? ORDER.length : index
}

/** Whether two targets reach the same database in the same way. */
export const isSameConnection = (one: ConnectionTarget, other: ConnectionTarget): boolean => {
  const fingerprint = (target: ConnectionTarget): string =>
    JSON.stringify([
      parametersOf(target).map(({ name, value }) => [name, value]),
      target.hosts.map(({ password }) => password),
    ])
  return fingerprint(one) === fingerprint(other)
}
