import type { Queryable } from '../../database/connection.js'
import { toStorableText } from '../../persistence/content/storable-text.js'
import { readConversationsOf, type Conversations } from '../../persistence/erasure/conversations.js'
import { readDisputedNames, readKeyOwners, type DisputedNames } from '../../persistence/erasure/disputed-names.js'
import { guestNamesAmong } from '../../persistence/erasure/guest-names.js'
import { findPerson, type FoundPerson, type Person } from '../../persistence/erasure/person.js'
import type { ErasureTables } from '../../persistence/erasure/tables.js'
import { toStorablePhone } from '../../persistence/prepare-message.js'
import type { OpenedFile } from './open-files.js'
import type { FileKind, FileLine, LineOwner } from './person-file.js'
import {
  historyOf,
  hasPhoneOf,
  isNamedIn,
  isSentTo,
  isUndecided,
  onlyConversationOf,
  toFilePerson,
  type FilePerson,
} from './whose.js'

/** What the files know that the database may not know yet. */
export interface FileHints {
  /** Names of guests who gave a phone of the person. */
  readonly names: ReadonlySet<string>
  /** Conversations of lines that say nothing else. */
  readonly conversations: ReadonlySet<string>
}

/** Reads the files once, before the person is known. */
const readHints = async (files: readonly OpenedFile[], { phones = [] }: Person): Promise<FileHints> => {
  const wanted = new Set(phones.map((phone) => toStorablePhone(phone) ?? phone))
  const [names, conversations] = [new Set<string>(), new Set<string>()]
  for (const file of files)
    for await (const { content } of file.lines()) {
      if (content.kind !== 'owned') continue
      const { owner } = content
      if (owner.clientIds.length === 0 && hasPhoneOf(wanted, owner)) for (const name of owner.names) names.add(name)
      const conversation = onlyConversationOf(owner)
      if (conversation !== null) conversations.add(conversation)
    }
  return { names, conversations }
}

/** What is known of a person by the database and the files together. */
export interface Named {
  /** With the names of guests whom only the files connect with a phone. */
  readonly wanted: Person
  readonly person: FoundPerson
  /** Those that the files name and the database has. */
  readonly conversations: Conversations
  readonly disputed: DisputedNames
  /** Whose the messages are that lines under a disputed name have the keys of. */
  readonly keyOwners: ReadonlyMap<string, boolean>
}

/** Finds a person in the caller's transaction. */
export const findNamed = async (
  client: Queryable,
  tables: ErasureTables,
  files: readonly OpenedFile[],
  wanted: Person,
  { names, conversations }: FileHints,
): Promise<Named> => {
  const guests = names.size === 0 ? [] : await guestNamesAmong(client, tables, [...names])
  const all = guests.length === 0 ? wanted : { ...wanted, usernames: [...(wanted.usernames ?? []), ...guests] }
  const person = await findPerson(client, tables, all)
  const disputed = files.length === 0 ? new Map<string, never>() : await readDisputedNames(client, tables, person)
  return {
    ...{ wanted: all, person, disputed },
    keyOwners: await readOwners(files, disputed, (keys) => readKeyOwners(client, tables, person, keys)),
    conversations: await readConversationsOf(client, tables, person, [...conversations]),
  }
}

const KEYS_A_QUERY = 1_000

const readOwners = async (
  files: readonly OpenedFile[],
  disputed: DisputedNames,
  read: (keys: readonly string[]) => Promise<ReadonlyMap<string, boolean>>,
): Promise<ReadonlyMap<string, boolean>> => {
  const owners = new Map<string, boolean>()
  if (disputed.size === 0) return owners
  let keys: string[] = []
  const ask = async (): Promise<void> => {
    for (const [key, isPersons] of await read(keys)) owners.set(key, isPersons)
    keys = []
  }
  for (const file of files)
    for await (const line of file.lines()) {
      const owner = ownerOf(line)
      if (owner === undefined || owner.key === null || historyOf(disputed, owner) === undefined) continue
      keys.push(owner.key)
      if (keys.length === KEYS_A_QUERY) await ask()
    }
  await ask()
  return owners
}

/** Reads the files, asks the database, and counts the person's lines. */
export const findInFiles = async <T extends Named>(
  files: readonly OpenedFile[],
  wanted: Person,
  ask: (hints: FileHints) => Promise<T>,
): Promise<T & { readonly files: readonly FilePrice[]; readonly judge: LineJudge }> => {
  const named = await ask(await readHints(files, wanted))
  const { prices, judge } = await scanFiles(files, named)
  return { ...named, files: prices, judge }
}

/** Tells whose a line is. */
export interface LineJudge {
  isPersons(owner: LineOwner): boolean
  /** Whether only another line, or the database, shows that the line is the person's. */
  isShownByOthers(owner: LineOwner): boolean
  /** Whether the person may have to be found by this line again. */
  hasPhone(owner: LineOwner): boolean
}

/** The lines of a person in one file. */
export interface FilePrice {
  readonly kind: FileKind
  readonly path: string
  readonly lines: number
  /** The first lines that cannot be read, and how many there are: they may be of anybody. */
  readonly unreadable: readonly number[]
  readonly unreadableCount: number
  /** Lines under a name that the person has or had of which nothing says whether somebody else wrote them. */
  readonly undecided: number
}

const MOST_NAMED_LINES = 5

/** Counts the person's lines in each file. */
const scanFiles = async (
  files: readonly OpenedFile[],
  { person: found, conversations: known, disputed, keyOwners }: Named,
): Promise<{ readonly prices: readonly FilePrice[]; readonly judge: LineJudge }> => {
  const person = toFilePerson(found, { disputed, keyOwners })
  const own = new Set(known.own)
  const conversations = { own, others: known.others }
  const counted = []
  for (const file of files) counted.push({ file, ...(await scanFile(file, person, own)) })
  const judge: LineJudge = {
    isPersons: (owner) => isDirectly(person, owner) || isSentTo(person, owner, conversations),
    isShownByOthers: (owner) => !isDirectly(person, owner),
    hasPhone: (owner) => hasPhoneOf(person.phones, owner),
  }
  const prices = counted.map(({ file: { kind, path }, direct, sent, ...left }) => ({
    ...{ kind, path, ...left },
    lines: [...sent.values()].reduce((sum, { owner, lines }) => sum + (judge.isPersons(owner) ? lines : 0), direct),
  }))
  return { prices, judge }
}

const isDirectly = (person: FilePerson, owner: LineOwner): boolean =>
  isNamedIn(person, owner) || hasPhoneOf(person.phones, owner)

/** @param conversations gets those of the person */
const scanFile = async (file: OpenedFile, person: FilePerson, conversations: Set<string>) => {
  // Whose they are is known after the last line: one of each conversation and address, and how many there are.
  const sent = new Map<string, { readonly owner: LineOwner; readonly lines: number }>()
  const unreadable: number[] = []
  let [direct, unreadableCount, undecided] = [0, 0, 0]
  for await (const line of file.lines()) {
    const owner = ownerOf(line)
    if (line.content.kind === 'unreadable') {
      unreadableCount += 1
      if (unreadable.length < MOST_NAMED_LINES) unreadable.push(line.number)
    }
    if (owner === undefined) continue
    const isDirect = isDirectly(person, owner)
    if (isDirect) direct += 1
    else if (isUndecided(person, owner)) undecided += 1
    // A phone alone proves nothing of the conversation.
    if (isNamedIn(person, owner) && owner.conversation !== null) conversations.add(toStorableText(owner.conversation))
    if (isDirect || onlyConversationOf(owner) === null) continue
    const key = JSON.stringify([owner.conversation, owner.address])
    sent.set(key, { owner, lines: (sent.get(key)?.lines ?? 0) + 1 })
  }
  return { direct, sent, unreadable, unreadableCount, undecided }
}

const ownerOf = ({ content }: FileLine): LineOwner | undefined => (content.kind === 'owned' ? content.owner : undefined)

/** Which lines of a person are taken out: what is needed to find others goes after them. */
export type Step = 'shown by others' | 'without phones' | 'all'

/** The steps before the database is changed. What a line of another file shows to be the person's goes before that line. */
export const stepsBefore = (files: readonly FilePrice[]): readonly Step[] =>
  files.filter(({ lines }) => lines > 0).length > 1 ? ['shown by others', 'without phones'] : ['without phones']

/**
 * Takes the person's lines out of the files.
 * @param step `without phones` leaves the lines by whose phone the person is found
 * @returns how many lines were taken out
 */
export const eraseInFiles = async (files: readonly OpenedFile[], judge: LineJudge, step: Step): Promise<number> => {
  let sum = 0
  for (const file of files) {
    const isErased = (line: FileLine): boolean => {
      const owner = ownerOf(line)
      if (owner === undefined || !judge.isPersons(owner)) return false
      return step === 'all' || (!judge.hasPhone(owner) && (step === 'without phones' || judge.isShownByOthers(owner)))
    }
    let lines = 0
    for await (const line of file.lines()) if (isErased(line)) lines += 1
    if (lines > 0) await file.rewrite((line) => !isErased(line))
    sum += lines
  }
  return sum
}

/** A line of a person. */
export interface PersonLine {
  readonly path: string
  readonly number: number
  readonly document: unknown
}

/** The person's lines. */
export async function* personsLines(files: readonly OpenedFile[], judge: LineJudge): AsyncGenerator<PersonLine> {
  for (const file of files)
    for await (const { number, content } of file.lines())
      if (content.kind === 'owned' && judge.isPersons(content.owner))
        yield { path: file.path, number, document: content.document }
}
