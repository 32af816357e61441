import { toStorableText } from './storable-text.js'

/** Largest text, and largest image, of one message unless set otherwise, in bytes of UTF-8 as stored. */
export const DEFAULT_MAX_MESSAGE_BYTES = 1_048_576

/** As many as every other field may have. */
export const LEAST_MAX_MESSAGE_BYTES = 1_024

/**
 * No message may be larger, whatever is set. A text and an image of this size, with every character escaped as six, are 384 MiB
 * of JSON: below the longest string of Node, 512 MiB, and the largest value of PostgreSQL, 1 GB.
 */
export const MOST_MESSAGE_BYTES = 32 * 1_048_576

/** Longest line that holds a message of any size as JSON, its other fields included. */
export const MOST_LINE_BYTES = 12 * MOST_MESSAGE_BYTES + 1_048_576

/** The fields that may be large. */
const LARGE = ['text', 'imageUrl'] as const

type LargeFields = Readonly<Partial<Record<(typeof LARGE)[number], unknown>>>

/** Names each large field that has more than `most` bytes. */
export const oversizedFields = (message: LargeFields, most: number): readonly string[] =>
  LARGE.flatMap((name) => {
    const value = message[name]
    // A unit of UTF-16 has three bytes of UTF-8 at most.
    if (typeof value !== 'string' || value.length * 3 <= most) return []
    const size = Buffer.byteLength(toStorableText(value))
    return size <= most ? [] : [`${name} is larger than ${most} bytes${optionOf(most)}: it has ${size}`]
  })

const optionOf = (most: number): string => (most < MOST_MESSAGE_BYTES ? ' (maxMessageBytes)' : '')
