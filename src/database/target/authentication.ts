import { OperatorError } from '../../errors.js'

/** How a server asked who we are; `none`: it did not. */
export type AuthenticationMethod = 'none' | 'password' | 'md5' | 'scram-sha-256'

/** Whether a server may ask in a way. */
export type RequiredMethods = (method: AuthenticationMethod) => boolean

const METHODS = ['none', 'password', 'md5', 'scram-sha-256', 'gss', 'sspi', 'oauth']

/**
 * Reads libpq's `require_auth`: methods that are allowed, or with `!` those that are not.
 * @throws OperatorError `invalid_connection_setting`
 */
export const requireAuthOf = (text: string | undefined): RequiredMethods | undefined => {
  if (text === undefined) return undefined
  const words = text.split(',').map((word) => word.trim())
  const names = words.map((word) => word.replace(/^!/, ''))
  const isExclusion = text.startsWith('!')
  if (words.some((word) => word.startsWith('!') !== isExclusion) || names.some((name) => !METHODS.includes(name)))
    throw new OperatorError(
      'invalid_connection_setting',
      `require_auth is ${JSON.stringify(text)}, but must be a list of ${METHODS.join(', ')}, all of them with ! or none`,
    )
  return (method) => names.includes(method) !== isExclusion
}
