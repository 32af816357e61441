import { existsSync, lstatSync, readFileSync } from 'node:fs'
import { OperatorError } from '../../errors.js'
import { ownUserId } from '../../private-file.js'
import type { ConnectionKeywords } from './settings.js'

/** One server of a target. */
export interface Host {
  /** As it is named: a host name, an address, or the folder of a socket. */
  readonly host: string
  readonly port: number
  /** Where it is, if that is named besides (`hostaddr`). */
  readonly address?: string | undefined
  /** The one address that is meant, once it has been found out. */
  readonly at?: string | undefined
  /** Whether only its address was named, so that no certificate can be checked against a name. */
  readonly isUnnamed?: boolean | undefined
  /** Of the password file. */
  readonly password?: string | undefined
}

const DEFAULT_PORT = 5432

/** Where servers put their sockets, unless they are told otherwise. */
export const SOCKET_FOLDERS = ['/var/run/postgresql', '/tmp']

/**
 * The hosts that `host`, `hostaddr` and `port` name, each of which may be a list.
 * @throws OperatorError `invalid_connection_setting`
 */
export const hostsOf = ({ host, hostaddr, port }: ConnectionKeywords): readonly [Host, ...Host[]] => {
  const [names, addresses, ports] = [listOf(host), listOf(hostaddr), listOf(port)]
  const count = Math.max(names.length, addresses.length, 1)
  refuseUneven('hostaddr', addresses.length, count)
  refuseUneven('host', names.length, count)
  if (ports.length !== 1) refuseUneven('port', ports.length, count)
  const hosts = Array.from({ length: count }, (_, index) =>
    toHost(names[index], addresses[index], portOf(ports[ports.length === 1 ? 0 : index])),
  )
  return hosts as [Host, ...Host[]]
}

const listOf = (text: string | undefined): readonly string[] => text?.split(',').map((item) => item.trim()) ?? []

const toHost = (name: string | undefined, address: string | undefined, port: number): Host => {
  if (address === undefined || address === '')
    return { host: name === undefined || name === '' ? defaultHost(port) : name, port }
  return name === undefined || name === ''
    ? { host: address, port, address, isUnnamed: true }
    : { host: name, port, address }
}

const refuseUneven = (name: string, length: number, count: number): void => {
  if (length === 0 || length === count) return
  throw new OperatorError('invalid_connection_setting', `${name} has ${length} entries for ${count} hosts`)
}

const portOf = (text: string | undefined): number => {
  if (text === undefined || text === '') return DEFAULT_PORT
  return wholeNumber('port', text, 1, 65_535)
}

/** @throws OperatorError `invalid_connection_setting` */
export const wholeNumber = (name: string, text: string, least: number, most: number): number => {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  throw new OperatorError(
    'invalid_connection_setting',
    `${name} is ${JSON.stringify(text)}, but must be a whole number from ${least} to ${most}`,
  )
}

const defaultHost = (port: number): string => {
  const name = `.s.PGSQL.${port}`
  const [usual, temporary] = SOCKET_FOLDERS as [string, string]
  if (existsSync(`${usual}/${name}`)) return usual
  return isServerSocket(`${temporary}/${name}`) ? temporary : 'localhost'
}

// Every user may make a socket in /tmp, and would be sent a password there.
const isServerSocket = (path: string): boolean => {
  const status = lstatSync(path, { throwIfNoEntry: false })
  return status?.isSocket() === true && [0, ownUserId(), postgresUserId()].includes(status.uid)
}

const postgresUserId = (): number | undefined => {
  try {
    const id = /^postgres:[^:]*:(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[1]
    return id === undefined ? undefined : Number(id)
  } catch {
    // Systems without this file keep their users elsewhere; the server's is then not known.
    return undefined
  }
}

/** Whether the host is the folder of a socket. */
export const isSocket = (host: string): boolean => host.startsWith('/')

/** Whether connections to the host stay on this machine. */
export const isLocal = (host: string): boolean => isSocket(host) || /^(localhost|127\.\d+\.\d+\.\d+|::1)$/.test(host)
