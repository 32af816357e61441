import { isLocal, type ConnectionTarget } from './connection-target.js'

/** What is open to others on the way to a server of another machine; undefined when its certificate is checked. */
export const unverifiedServer = ({ host, tls }: Pick<ConnectionTarget, 'host' | 'tls'>): string | undefined => {
  if (isLocal(host)) return undefined
  if (tls === 'off') return `the connection to ${host} is not encrypted. ${REMEDY}`
  const isChecked = tls !== 'negotiate' && tls.rejectUnauthorized !== false
  return isChecked ? undefined : `the certificate of ${host} is not checked: another machine can pose as it. ${REMEDY}`
}

const REMEDY = 'Set sslmode=verify-full and, unless a public authority signed the certificate, sslrootcert=FILE'
