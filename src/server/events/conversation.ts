import type { ContactQuery } from '../../persistence/contact.js'
import type { ServerContext } from './server-context.js'
import type { ContactPayload } from '../../protocol/payloads.js'
import { InvalidCall } from '../../persistence/errors.js'
import { wholeChatOf } from './address.js'

/**
 * Whose messages an operator means. An address, or the name of a conversation, stands for the whole chat: also for what its
 * client or guest wrote in another tab, and through the library.
 * @throws OperatorError as `resolveAddress`
 * @throws InvalidCall `invalid_contact`
 */
export const contactsOf = async (
  chat: Pick<ServerContext, 'io' | 'peers' | 'store'>,
  whose: ContactPayload,
): Promise<ContactQuery> => {
  const { clientId, username, to } = whose
  checkOneGiven(whose)
  if (username != null) return { guestUsername: username }
  if (typeof clientId === 'number') return { clientId }
  return { anyOf: await wholeChatOf(chat, to ?? clientId ?? '') }
}

const FIELDS = ['to', 'clientId', 'username'] as const

/** @throws InvalidCall `invalid_contact` */
export const checkOneGiven = (whose: ContactPayload, fields: readonly (keyof ContactPayload)[] = FIELDS): void => {
  const given = fields.filter((field) => whose[field] != null)
  if (given.length === 1) return
  const what = `name exactly one of ${fields.join(', ')} (given: ${given.join(', ') || 'none'})`
  throw new InvalidCall('invalid_contact', what)
}
