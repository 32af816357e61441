import { describe, expect, test } from 'vitest'
import { mostSentBytes, sentBytes, storingTimeMs } from '../../../src/persistence/content/storing-time.js'

const MIB = 1_048_576

describe('the time that a message may take to be stored', () => {
  test.each([
    { what: 'nothing', bytes: 0, ms: 0 },
    { what: 'a small text', bytes: 200, ms: 0 },
    { what: 'the largest message by default', bytes: MIB, ms: 0 },
    { what: 'a byte below the first second', bytes: 2 * MIB - 1, ms: 0 },
    { what: '2 MiB', bytes: 2 * MIB, ms: 1_000 },
    { what: 'a large photo', bytes: 5 * MIB, ms: 2_000 },
    { what: 'the largest image of all', bytes: 32 * MIB, ms: 16_000 },
  ])('$what: $ms ms more', ({ bytes, ms }) => {
    expect(storingTimeMs(bytes)).toBe(ms)
  })

  test.each([
    { what: 'a text', message: { text: 'a'.repeat(MIB) }, bytes: MIB + 2 },
    { what: 'an image', message: { imageUrl: 'a'.repeat(MIB), text: null }, bytes: MIB + 2 },
    { what: 'both', message: { imageUrl: 'a'.repeat(MIB), text: 'a'.repeat(MIB) }, bytes: 2 * MIB + 4 },
    { what: 'control characters', message: { text: '\u0001'.repeat(MIB) }, bytes: 6 * MIB + 2 },
    { what: 'characters of several bytes', message: { text: 'ñ'.repeat(MIB) }, bytes: 2 * MIB + 2 },
    { what: 'a small text, of which the characters do', message: { text: 'ñ"' }, bytes: 2 },
    { what: 'neither', message: {}, bytes: 0 },
  ])('counts the bytes that are sent of $what', ({ message, bytes }) => {
    expect(sentBytes(message)).toBe(bytes)
  })

  test('has room for the largest text and image together', () => {
    const largest = { text: '\u0001'.repeat(MIB), imageUrl: 'a'.repeat(MIB) }
    expect(sentBytes(largest)).toBe(mostSentBytes(MIB) + 4)
  })
})
