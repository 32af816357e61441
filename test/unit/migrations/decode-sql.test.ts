import { expect, test } from 'vitest'
import { encodingMistake } from '../../../src/migrations/ledger/decode-sql.js'

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le')

test.for([
  ['UTF-8', Buffer.from("SELECT 'é€😀\ufffd';"), undefined],
  ['nothing', Buffer.of(), undefined],
  ['Latin-1', latin1('SELECT 1;\n-- café au lait\n'), 'f.sql:2:7: is not UTF-8: 0xe9 (byte 17 of the file)'],
  ['a byte that begins a character like the replacement does', latin1("'ï';"), 'f.sql:1:2: is not UTF-8: 0xef (byte 2'],
  ['a character that is cut', Buffer.from([0x31, 0xe2, 0x82]), 'f.sql:1:2: is not UTF-8: 0xe2 (byte 2 of the file)'],
  [
    'after characters of several bytes',
    Buffer.concat([Buffer.from('é😀'), latin1('é')]),
    'f.sql:1:3: is not UTF-8: 0xe9 (byte 7',
  ],
  ['NUL', Buffer.from('SELECT 1;\n\u0000'), 'f.sql:2:1: has a NUL character (byte 11 of the file); remove it'],
  ['a byte order mark', Buffer.from('\ufeffSELECT 1'), 'f.sql: starts with a byte order mark'],
  ['UTF-16', utf16('SELECT 1'), 'f.sql: is UTF-16; save it as UTF-8'],
  ['UTF-16 with a byte order mark', utf16('\ufeffSELECT 1'), 'f.sql: is UTF-16; save it as UTF-8'],
  ['UTF-16, most significant byte first', utf16('SELECT 1').swap16(), 'f.sql: is UTF-16; save it as UTF-8'],
] as const)('%s in a file of SQL', ([, bytes, expected]) => {
  const mistake = encodingMistake('f.sql', bytes, bytes.toString('utf8'))
  if (expected === undefined) expect(mistake).toBeUndefined()
  else expect(mistake).toContain(expected)
})
