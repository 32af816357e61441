import { expect, test } from 'vitest'
import { looksLikeRejected } from '../../../src/journal/read-rejected.js'

test.each([
  ['as it was written', '{"type":"rejected","at":"2026-04-01","entry":{}}', true],
  ['with blanks', '\n{ "type": "rejected", "at": "2026-04-01" }', true],
  ['with sorted keys', '{"at":"2026-04-01","entry":{"text":"a"},"type":"rejected"}', true],
  ['a journal', '{"type":"chatkeep-journal","version":1}', false],
  ['a message that quotes one', '{"at":"2026-04-01","text":"{\\"type\\":\\"rejected\\"}"}', false],
])('a file of rejected messages, %s: %s is %s', (_what, text, expected) => {
  expect(looksLikeRejected(Buffer.from(text))).toBe(expected)
})
