import { OperatorError } from '../errors.js'
import type { Person } from '../persistence/erasure/person.js'

/** The flags that name a person. */
export interface PersonFlags {
  readonly clientId?: readonly number[] | undefined
  readonly username?: readonly string[] | undefined
  readonly phone?: readonly string[] | undefined
}

/** @throws OperatorError `usage` when nobody is named */
export const toPerson = ({ clientId, username, phone }: PersonFlags): Person => {
  if (clientId === undefined && username === undefined && phone === undefined)
    throw new OperatorError('usage', 'name the person: --client-id, --username or --phone')
  return { clientIds: clientId, usernames: username, phones: phone }
}
