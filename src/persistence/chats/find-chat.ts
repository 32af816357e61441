import { shown } from '../../check-options.js'
import type { Queryable } from '../../database/connection.js'
import { fromPrimary } from '../../database/proxies/standby-reads.js'
import { isOfContact, toContactFilter, toContactFilters, type Contact } from '../contact.js'
import { InvalidCall } from '../errors.js'
import { toIdOrNull, type StoredId } from '../ids/ids.js'
import { utcText } from '../ids/utc-text.js'
import { toStorableText } from '../content/storable-text.js'
import { toUsername, usableName } from '../prepare-message.js'
import type { Names } from '../sql-names.js'
import { namedBy, type ChatAddress } from './address.js'
import { readAnswerer, type Answerer } from './answerer.js'
import { readConversations } from './conversations.js'
import type { FindClient, KnownClient } from './known-client.js'
import { sourcesOfKnown } from './sources.js'

export type { ChatAddress }

/** The chat of a client, or of a guest without one, and how to answer in it. */
export interface FoundChat extends Answerer {
  /** Where an answer goes: the conversation that was asked for, else the newest of the chat; null where it has none. */
  readonly conversation: string | null
  /**
   * The conversations of the chat, newest first: those of its last messages from either side, 20 at most. Not those in
   * which a name was only used without proof.
   */
  readonly conversations: readonly string[]
  /** Whose messages make up the chat, for `anyOf` in `getChatHistory` and `markMessagesAsRead`. */
  readonly contacts: readonly Contact[]
}

/** What a chat is found with. */
export interface ChatSearch {
  readonly db: Queryable
  readonly names: Names
  readonly findClient: FindClient
  /** As it was at this instant: neither a conversation that began later is found nor who came later. As it is when absent. */
  readonly at?: Date | undefined
}

/**
 * Finds the chat of an address; undefined when nobody has it. A name stands for the client of that name, else for the
 * guest who wrote under it. It decides what happens to a message, so a standby that lags behind may not answer.
 * @throws OperatorError `read_from_standby`
 * @throws InvalidCall `invalid_contact`
 */
export const findChat = async (search: ChatSearch, address: ChatAddress): Promise<FoundChat | undefined> => {
  if (typeof address !== 'number' && typeof address !== 'string') throw notAnAddress(address)
  const on: ChatSearch = { ...search, db: fromPrimary(search.db) }
  const named = namedBy(address)
  const found = named && ('clientId' in named ? findById(on, named.clientId) : findByName(on, named.guestUsername))
  if (typeof address === 'number') return found
  return (await found) ?? (await findConversation(on, address)) ?? (await findByName(on, address))
}

const notAnAddress = (address: unknown): InvalidCall =>
  new InvalidCall('invalid_contact', `the address ${shown(address)}, but must be a number or a string`)

const findById = async (search: ChatSearch, clientId: number): Promise<FoundChat | undefined> => {
  const { value } = toContactFilter({ clientId })
  const client = await search.findClient(search.db, { id: Number(value) }, search.at)
  if (client === undefined) return undefined
  const guestUsername = client.isGuest ? usableName(client.username) : null
  return inNewestConversation(search, { clientId: client.id, guestUsername }, [contactOf(client)], client)
}

const findConversation = async (search: ChatSearch, address: string): Promise<FoundChat | undefined> => {
  const sessionId = toStorableText(address)
  const answerer = sessionId === '' ? undefined : await readAnswerer(search, sessionId)
  if (answerer === undefined) return undefined
  const contacts = [{ sessionId }, ...(await contactsOfAnswerer(search, answerer))]
  return { ...answerer, conversation: sessionId, conversations: [sessionId], contacts }
}

/** A name stands for its client here, too, if what was written under it is not linked yet. */
const contactsOfAnswerer = async (
  { db, findClient }: ChatSearch,
  { clientId, guestUsername }: Answerer,
): Promise<readonly Contact[]> => {
  if (clientId !== null) {
    const client = await findClient(db, { id: clientId })
    return [client === undefined ? { clientId } : contactOf(client)]
  }
  if (guestUsername === null) return []
  return contactsNamed(guestUsername, await findClient(db, { username: guestUsername }))
}

const findByName = async (search: ChatSearch, address: string): Promise<FoundChat | undefined> => {
  const { db, findClient, at } = search
  const username = toUsername(address)
  if (username === '') return undefined
  const namesake = await findClient(db, { username }, at)
  // A client who had this name before has the messages that were written under it.
  const newest = namesake ? undefined : await readNewest(search, username)
  if (namesake === undefined && newest === undefined) return undefined
  const client = namesake ?? (newest?.clientId == null ? undefined : await findClient(db, { id: newest.clientId }))
  // Under its name an answer would be in a history that the name opens.
  const isRegistered = client?.isGuest === false
  return inNewestConversation(
    search,
    { clientId: client?.id ?? null, guestUsername: isRegistered ? null : username },
    contactsNamed(username, client),
    client,
  )
}

/**
 * The messages of a client, and those under its name that are not linked yet. Never those under the name that are linked to
 * another client, who had it before.
 */
const contactOf = ({ id, username }: KnownClient): Contact =>
  // Under a name that no message can have there is nothing.
  usableName(username) === username ? { clientId: id, guestUsername: username } : { clientId: id }

/** Those of a name, which may be one that its client had before; without client all that is under the name. */
const contactsNamed = (guestUsername: string, client: KnownClient | undefined): readonly Contact[] => {
  if (client === undefined) return [{ guestUsername }]
  const whole = contactOf(client)
  return client.username === guestUsername ? [whole] : [whole, { clientId: client.id, guestUsername }]
}

const inNewestConversation = async (
  search: ChatSearch,
  answerer: Answerer,
  contacts: readonly Contact[],
  client: KnownClient | undefined,
): Promise<FoundChat> => {
  const conversations = await readConversations(search, sourcesOfKnown(toContactFilters({ anyOf: contacts })), client)
  return { ...answerer, conversation: conversations[0] ?? null, conversations, contacts }
}

/** The last message under a name. */
const readNewest = async ({ db, names, at }: ChatSearch, username: string): Promise<Answerer | undefined> => {
  const { rows } = await db.query<{ clientId: StoredId | null; guestUsername: string | null }>(
    `
    SELECT m."clientId", m."guestUsername"
    FROM ${names.message} AS m
    WHERE ${isOfContact('guestUsername')}${at === undefined ? '' : ' AND m."createdAt" <= $2::timestamp'}
    ORDER BY m."createdAt" DESC, m."id" DESC
    LIMIT 1`,
    [username, ...(at === undefined ? [] : [utcText(at)])],
  )
  return rows[0] && { ...rows[0], clientId: toIdOrNull(rows[0].clientId) }
}
