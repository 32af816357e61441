import { namedBy } from '../../persistence/chats/address.js'
import { toStorableText } from '../../persistence/content/storable-text.js'
import type { Conversations } from '../../persistence/erasure/conversations.js'
import type { DisputedNames, NameHistory } from '../../persistence/erasure/disputed-names.js'
import type { FoundPerson } from '../../persistence/erasure/person.js'
import { toStorablePhone, toUsername } from '../../persistence/prepare-message.js'
import type { LineOwner } from './person-file.js'

/** A person, as lines of files name them. */
export interface FilePerson {
  readonly clientIds: ReadonlySet<string>
  /** Guests' names: what was written under them is meant, except lines of `otherClients`. */
  readonly guests: ReadonlySet<string>
  readonly otherClients: ReadonlySet<string>
  /** Names of clients: of lines under one, those with another client's id are not meant. */
  readonly clientNames: ReadonlySet<string>
  readonly phones: ReadonlySet<string>
  /** Names that others have or had as well. */
  readonly disputed: DisputedNames
  /** Whether messages under such names are the person's, by their keys. */
  readonly keyOwners: ReadonlyMap<string, boolean>
}

/** What a line says by itself of whose it is. */
type Naming = Pick<LineOwner, 'clientIds' | 'names' | 'key' | 'atMs'>

export const toFilePerson = (
  { clientIds, names, otherClients, clientNames, phones }: FoundPerson,
  more: Pick<FilePerson, 'disputed' | 'keyOwners'>,
): FilePerson => ({
  ...more,
  clientIds: new Set(clientIds),
  guests: new Set(names),
  otherClients: new Set(otherClients),
  clientNames: new Set(clientNames),
  phones: new Set(phones),
})

/** Whether a line says by id or name that it is of the person. */
export const isNamedIn = (person: FilePerson, owner: Naming): boolean => {
  const { clientIds, guests, otherClients, clientNames } = person
  const names = namesOf(owner)
  const isByName =
    (names.some((name) => guests.has(name)) && !owner.clientIds.some((id) => otherClients.has(id))) ||
    (owner.clientIds.length === 0 && names.some((name) => clientNames.has(name)))
  const history = historyOf(person.disputed, owner)
  return (
    owner.clientIds.some((id) => clientIds.has(id)) ||
    (history === undefined ? isByName : isProved(person, history, owner) === true)
  )
}

const namesOf = ({ names }: Pick<LineOwner, 'names'>): readonly string[] =>
  names.flatMap((name) => [name, toUsername(name)])

/** Whose the name of a line was that only names somebody, if others have or had it as well. */
export const historyOf = (
  disputed: DisputedNames,
  owner: Pick<LineOwner, 'clientIds' | 'names'>,
): NameHistory | undefined =>
  owner.clientIds.length > 0 || disputed.size === 0
    ? undefined
    : namesOf(owner)
        .map((name) => disputed.get(name))
        .find((history) => history !== undefined)

/**
 * Whether a line is the person's by the message that has its key, else by its time. What waits will be whose the name is then.
 * @returns undefined if nothing tells
 */
const isProved = (
  { keyOwners }: FilePerson,
  { isPersons, fromMs, untilMs, othersUntilMs }: NameHistory,
  { key, atMs }: Naming,
): boolean | undefined => {
  const known = key === null ? undefined : keyOwners.get(key)
  if (known !== undefined) return known
  if (atMs === null) return isPersons ? true : undefined
  if (atMs < othersUntilMs) return false
  return atMs >= fromMs && atMs < untilMs ? true : undefined
}

/** Whether a line is under a name that the person has or had, and nothing says whether they or somebody else wrote it. */
export const isUndecided = (person: FilePerson, owner: LineOwner): boolean => {
  const history = historyOf(person.disputed, owner)
  return history !== undefined && isProved(person, history, owner) === undefined
}

export const hasPhoneOf = (phones: ReadonlySet<string>, owner: LineOwner): boolean =>
  owner.phones.some((phone) => phones.has(phone) || phones.has(toStorablePhone(phone) ?? phone))

/**
 * The conversation that a line names if it says nothing else, or may name by its address: an operator's answer that waits is stored
 * with the client or guest found there. Where there is none, the name and phone in it, of the guest who was connected, decide.
 */
export const onlyConversationOf = ({ clientIds, names, phones, conversation, address }: LineOwner): string | null => {
  if (address === null && clientIds.length + names.length + phones.length > 0) return null
  const sentTo = address ?? conversation
  return sentTo === null ? null : toStorableText(sentTo)
}

/** Whether a line is the person's by its conversation if it says nothing else, or by the id or name that it was sent to. */
export const isSentTo = (person: FilePerson, owner: LineOwner, { own, others }: Conversations): boolean => {
  const conversation = onlyConversationOf(owner)
  if (conversation === null) return false
  if (own.has(conversation)) return true
  const { address } = owner
  if (address === null) return false
  // As an answer finds its chat: a conversation is meant before a guest who is called so.
  const isOfOthers = others.has(conversation)
  return (
    isNamedIn(person, namingOf(address)) ||
    (!isOfOthers && isNamedIn(person, { ...NOTHING_ELSE, clientIds: [], names: [address] }))
  )
}

const NOTHING_ELSE = { key: null, atMs: null }

const namingOf = (address: string): Naming => {
  const named = namedBy(address)
  return {
    ...NOTHING_ELSE,
    clientIds: named !== undefined && 'clientId' in named ? [String(named.clientId)] : [],
    names: named !== undefined && 'guestUsername' in named ? [named.guestUsername] : [],
  }
}
