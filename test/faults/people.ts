/** Clients that the application has before the first guest writes. */
export const REGISTERED_CLIENTS = 20

/** Operators that are in "User"; the last operator is not. */
export const OPERATORS = 4

export const registeredName = (index: number): string => `client ${index % REGISTERED_CLIENTS}`

/** Decomposed, right to left, outside of the first plane, or just words. */
const FORMS: readonly ((index: number) => string)[] = [
  (index) => `guest ${index}`,
  (index) => `Zoe\u0308 ${index} `,
  (index) => `אורח ${index}`,
  (index) => `👩‍🚀 ${index}`,
  // Whose client was there before.
  registeredName,
  // One name for two guests.
  (index) => `Maria ${Math.floor(index / 12)}`,
  (index) => `MARIA ${index}`,
  (index) => `O'Brien "${index}"; --`,
  (index) => `guest \0 ${index}`,
]

/** A guest's name as the guest types it. */
export const guestName = (index: number): string => FORMS[index % FORMS.length]?.(index) ?? `guest ${index}`

/** Some guests give a phone, and some of them the phone of another one. */
export const guestPhone = (index: number): string | undefined =>
  index % 3 === 0 ? `+4930${1_000_000 + Math.floor(index / 6)}` : undefined

/** What PostgreSQL can hold of a text: neither NUL nor half a character. */
export const storable = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed()

/** The name under which a guest's messages have to be stored. */
export const storedName = (name: string): string => storable(name).normalize('NFC').trim()
