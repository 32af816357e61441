import { isLocal, type ConnectionTarget } from './connection-target.js'

/** What is open to others on the way to a server of another machine; undefined when its certificate is checked. */
export const unverifiedServer = ({ hosts, tls }: Pick<ConnectionTarget, 'hosts' | 'tls'>): string | undefined => {
  const remote = hosts.find(({ host, address = host }) => !isLocal(address))
  if (remote === undefined) return undefined
  if (!tls.ways.includes('tls')) return `the connection to ${remote.host} is not encrypted. ${REMEDY}`
  const isChecked = !tls.ways.includes('plain') && tls.options.rejectUnauthorized === true
  return isChecked
    ? undefined
    : `the certificate of ${remote.host} is not checked: another machine can pose as it. ${REMEDY}`
}

const REMEDY =
  'Set sslmode=verify-full and sslrootcert=FILE, or sslrootcert=system if a public authority signed the certificate'
