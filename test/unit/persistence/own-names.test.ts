import { expect, test } from 'vitest'
import { ownNamesFor, ownSchema } from '../../../src/persistence/own-names.js'

test.for([
  ['public', 'chatkeep'],
  ['crm', 'chatkeep_crm'],
  ['The Chat', 'chatkeep_The Chat'],
  ['x'.repeat(54), `chatkeep_${'x'.repeat(54)}`],
])('chatkeep keeps its tables for an application in %s in %s', ([schema = '', own]) => {
  expect(ownSchema(schema)).toBe(own)
})

test.for(['x'.repeat(55), 'ä'.repeat(31), 'x'.repeat(63)])(
  'the name stays within 63 bytes, and apart from others: %s',
  (schema) => {
    expect(Buffer.byteLength(ownSchema(schema))).toBeLessThanOrEqual(63)
    expect(ownSchema(schema)).not.toBe(ownSchema(`${schema.slice(0, -1)}y`))
  },
)

test('names are quoted', () => {
  expect(ownNamesFor('a"b').runs).toBe('"chatkeep_a""b"."runs"')
})
