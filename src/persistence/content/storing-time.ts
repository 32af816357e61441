/** A healthy database that has other work stores three times as many bytes in a second. */
const STORED_BYTES_PER_SECOND = 2 * 1_048_576

/** How long so many bytes of messages may take to be stored beyond the time that a small message has: a second for each 2 MiB. */
export const storingTimeMs = (bytes: number): number => Math.floor(bytes / STORED_BYTES_PER_SECOND) * 1_000

/** Texts below this size are not worth a count. */
const SMALL_CHARACTERS = 65_536

type Content = Readonly<Partial<Record<'text' | 'imageUrl', string | null | undefined>>>

/** Bytes of a message as they are sent to the database, as JSON: a control character takes six. Of small texts the characters. */
export const sentBytes = ({ text, imageUrl }: Content): number => jsonBytes(text ?? '') + jsonBytes(imageUrl ?? '')

const jsonBytes = (value: string): number =>
  value.length < SMALL_CHARACTERS ? value.length : Buffer.byteLength(JSON.stringify(value))

/** Most bytes of a message as they are sent, by the limit of its text and its image: all of a text may be control characters, but no image. */
export const mostSentBytes = (maxMessageBytes: number): number => 7 * maxMessageBytes
