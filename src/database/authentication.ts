import type { Connection } from 'pg'
import { ConnectionProblem } from './connection-failure.js'
import type { ConnectionTarget } from './connection-target.js'
import type { AuthenticationMethod } from './target/authentication.js'

/** What a server asks of a new session. */
export interface Authentication {
  /** @throws ConnectionProblem unless it is what the target requires; to be called before a password is sent, and at the end */
  refuse(target: Pick<ConnectionTarget, 'requiredMethods' | 'channelBinding'>, isEncrypted: boolean): void
}

/** Follows how a server authenticates a connection that has just been made. */
export const watchAuthentication = (connection: Connection): Authentication => {
  let method: AuthenticationMethod = 'none'
  let bindsChannel = false
  connection.on('authenticationCleartextPassword', () => (method = 'password'))
  connection.on('authenticationMD5Password', () => (method = 'md5'))
  connection.on('authenticationSASL', ({ mechanisms }: { readonly mechanisms: readonly string[] }) => {
    method = 'scram-sha-256'
    bindsChannel = mechanisms.includes('SCRAM-SHA-256-PLUS')
  })
  return {
    refuse: ({ requiredMethods, channelBinding }, isEncrypted) => {
      if (requiredMethods?.(method) === false)
        throw new ConnectionProblem(`it ${ASKS[method]}, which require_auth does not allow`, 'authentication')
      if (channelBinding === 'require' && !(isEncrypted && bindsChannel))
        throw new ConnectionProblem('it offers no channel binding, but channel_binding asks for it', 'authentication')
    },
  }
}

const ASKS: Readonly<Record<AuthenticationMethod, string>> = {
  none: 'asks for no password',
  password: 'asks for the password in clear text',
  md5: 'asks for the MD5 hash of the password',
  'scram-sha-256': 'asks for SCRAM authentication',
}
