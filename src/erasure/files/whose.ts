import type { FoundPerson } from '../../persistence/erasure/person.js'
import { toStorablePhone, toUsername } from '../../persistence/prepare-message.js'
import type { LineOwner } from './person-file.js'

/** A person, as lines of files name them. */
export interface FilePerson {
  readonly clientIds: ReadonlySet<string>
  /** Guests' names: all that was written under them is meant. */
  readonly guests: ReadonlySet<string>
  /** Names of clients: of lines under one, those with another client's id are not meant. */
  readonly clientNames: ReadonlySet<string>
  readonly phones: ReadonlySet<string>
}

export const toFilePerson = ({ clientIds, names, clientNames, phones }: FoundPerson): FilePerson => ({
  clientIds: new Set(clientIds),
  guests: new Set(names),
  clientNames: new Set(clientNames),
  phones: new Set(phones),
})

/** Whether a line says by id or name that it is of the person. */
export const isNamedIn = ({ clientIds, guests, clientNames }: FilePerson, owner: LineOwner): boolean => {
  const names = owner.names.flatMap((name) => [name, toUsername(name)])
  return (
    owner.clientIds.some((id) => clientIds.has(id)) ||
    names.some((name) => guests.has(name)) ||
    (owner.clientIds.length === 0 && names.some((name) => clientNames.has(name)))
  )
}

export const hasPhoneOf = (phones: ReadonlySet<string>, owner: LineOwner): boolean =>
  owner.phones.some((phone) => phones.has(phone) || phones.has(toStorablePhone(phone) ?? phone))

/** Whether a line says nothing but its conversation: an operator's answer to somebody whom the server did not know at the time. */
export const isAnonymous = ({ clientIds, names, phones }: LineOwner): boolean =>
  clientIds.length + names.length + phones.length === 0
