import { expect, test } from 'vitest'
import * as z from 'zod/mini'
import { describeIssue, invalidFields } from '../../../src/persistence/invalid-fields.js'
import { guestMessageSchema, guestTypingSchema, joinSchema, markReadSchema } from '../../../src/protocol/payloads.js'

const WRONG_ADDRESS =
  "clientId is missing, or not a client's id, a conversation or a guest's name of at most 1024 characters"

test.for([
  ['a payload that is none', guestTypingSchema, 'yes', ['must be an object']],
  ['a missing field', guestTypingSchema, {}, ['isTyping is missing']],
  ['a field of another type', guestTypingSchema, { isTyping: 'yes' }, ['isTyping must be a boolean']],
  ['an unknown role', joinSchema, { role: 'boss' }, ['role must be "client" or "operator"']],
  ['an unknown word', guestMessageSchema, { type: 'video' }, ['type must be "text" or "image"']],
  ['an empty id', guestMessageSchema, { type: 'text', messageId: '' }, ['messageId is empty']],
  [
    'an id that is too long',
    guestMessageSchema,
    { type: 'text', messageId: 'x'.repeat(256) },
    ['messageId is longer than 255 characters'],
  ],
  ['a fraction', markReadSchema, { upToMessageId: 1.5 }, ['upToMessageId must be a whole number']],
  [
    'a number beyond the exact ones',
    markReadSchema,
    { upToMessageId: 2 ** 53 },
    ['upToMessageId must be at most 9007199254740991'],
  ],
  ['neither of two types', markReadSchema, { clientId: true }, [WRONG_ADDRESS]],
  [
    'two mistakes',
    guestMessageSchema,
    { type: 'video', size: 'big' },
    ['type must be "text" or "image"', 'size must be a number'],
  ],
] as const)('says of %s what is wrong, and never the value', ([, schema, payload, expected]) => {
  const { error } = (schema as z.ZodMiniType).safeParse(payload, { error: describeIssue })
  expect(error && invalidFields(error)).toEqual(expected)
})
