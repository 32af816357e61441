import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { describeSteps } from '../../../src/next-step.js'
import { OperatorError } from '../../../src/errors.js'
import { refuseForeignFormat } from '../../../src/transcripts/foreign-formats.js'
import { manyLines, transcriptLine } from '../../support/transcript.js'

const EXPORT = /^write its messages as a transcript: one JSON object a line/

/** The refusal of these first bytes, and what to type; undefined when they may be a transcript. */
const refusal = (start: string | Buffer, isWhole = true) => {
  const bytes = typeof start === 'string' ? Buffer.from(start, 'latin1') : start
  const gzip = bytes.subarray(0, 2).toString('hex') === '1f8b'
  try {
    refuseForeignFormat('it', `'chat export'`, { bytes: gzip ? gunzipSync(bytes) : bytes, isWhole, gzip })
    return undefined
  } catch (error) {
    const { code, message, exitCode, hint } = error as OperatorError
    return {
      code,
      exitCode,
      message,
      hint: hint === undefined ? '' : typeof hint === 'string' ? hint : describeSteps(hint),
    }
  }
}

const LINE = transcriptLine()

describe('a file of another format', () => {
  test.for<readonly [what: string, start: string | Buffer, hint: string | RegExp]>([
    ['a zip archive', 'PK\x03\x04\x14\0', `unzip -p 'chat export' | chatkeep replay -`],
    ['a zip archive', 'PK\x05\x06\0\0', `unzip -p 'chat export' | chatkeep replay -`],
    ['compressed with zstd', '\x28\xb5\x2f\xfd\x24', `zstd -dc 'chat export' | chatkeep replay -`],
    ['compressed with bzip2', 'BZh91AY&SY\x12', `bzip2 -dc 'chat export' | chatkeep replay -`],
    ['compressed with xz', '\xfd7zXZ\0\0', `xz -dc 'chat export' | chatkeep replay -`],
    ['compressed with lz4', '\x04"M\x18d', `lz4 -dc 'chat export' | chatkeep replay -`],
    [
      'compressed with gzip twice, inside gzip',
      gzipSync(gzipSync(LINE)),
      `gzip -dc 'chat export' | gzip -dc - | chatkeep replay -`,
    ],
    ['a 7z archive', `7z\xbc\xaf'\x1c\0\x04`, `7z x -so 'chat export' | chatkeep replay -`],
    ['a RAR archive', 'Rar!\x1a\x07\x01\0', `unrar p -inul 'chat export' | chatkeep replay -`],
    ['a tar archive', `${'a.json'.padEnd(257, '\0')}ustar\0`, `tar -xOf 'chat export' | chatkeep replay -`],
    [
      'a tar archive, inside gzip',
      gzipSync(`${'a.json'.padEnd(257, '\0')}ustar\0`),
      `gzip -dc 'chat export' | tar -xOf - | chatkeep replay -`,
    ],
    ['in UTF-32', Buffer.from('fffe00007b000000', 'hex'), `iconv -f UTF-32 -t UTF-8 'chat export' | chatkeep replay -`],
    [
      'in UTF-16',
      Buffer.from(`\ufeff${LINE}`, 'utf16le'),
      `iconv -f UTF-16 -t UTF-8 'chat export' | chatkeep replay -`,
    ],
    ['in UTF-16', Buffer.from(LINE, 'utf16le'), `iconv -f UTF-16LE -t UTF-8 'chat export' | chatkeep replay -`],
    [
      'in UTF-16',
      Buffer.from(LINE, 'utf16le').swap16(),
      `iconv -f UTF-16BE -t UTF-8 'chat export' | chatkeep replay -`,
    ],
    ['a custom-format dump of pg_dump', 'PGDMP\x01\x10\0', 'restore it with pg_restore into a database'],
    ['an SQL script', '--\n-- PostgreSQL database dump\n--\n', 'run it with psql'],
    ['an SQL script', 'INSERT INTO messages VALUES (1);', 'run it with psql'],
    ['an SQLite database', 'SQLite format 3\0\x10', EXPORT],
    ['a PDF document', '%PDF-1.7\n', EXPORT],
    ['HTML or XML', '\n<!DOCTYPE html>\n<html>', EXPORT],
    ['HTML or XML', '<?xml version="1.0"?>', EXPORT],
    ['a JSON array', `[${LINE}]`, `jq -c '.[]' 'chat export' | chatkeep replay -`],
    ['a JSON array', '\xef\xbb\xbf[\n  {"user": "U1", "type": "message"}\n]', EXPORT],
    ['a JSON array', '[]', EXPORT],
    [
      'a JSON object of several lines',
      JSON.stringify(JSON.parse(LINE), null, 2),
      `jq -c . 'chat export' | chatkeep replay -`,
    ],
    ['an export in one JSON object, not a message a line', '{"name": "Ana",\n"messages": [\n{"id": 1}]}', EXPORT],
    ['an export in one JSON object, not a message a line', '{"guild":{},"messages":[{"id":"1"}]}', EXPORT],
    ['a table (CSV)', 'at,conversation,from\n1,2,3\n', EXPORT],
    ['a table (CSV)', '"Date";"Author";"Text"\r\n', EXPORT],
  ])('is refused by name: %s', ([what, start, hint]) => {
    const refused = refusal(start)
    expect(refused).toMatchObject({ message: `it is ${what}; it cannot be replayed as it is`, exitCode: 2 })
    expect(refused?.code).toBe(what === 'in UTF-16' ? 'input_is_utf16' : 'unknown_transcript_format')
    if (typeof hint === 'string') expect(refused?.hint).toBe(hint)
    else expect(refused?.hint).toMatch(hint)
  })

  test.for(['hello\nworld\n', '[12/03/21, 10:00] Ana: hi\n', 'null', '\x01\x02\x03\n\xff\n'])(
    'is refused when no line of it is an object: %j',
    (start) => {
      expect(refusal(start)).toMatchObject({ message: 'it is not a transcript: no line of it is a JSON object' })
    },
  )
})

describe('a transcript', () => {
  test.for<readonly [what: string, start: string, isWhole: boolean]>([
    ['its lines', manyLines(3), true],
    ['a byte order mark', `\xef\xbb\xbf${LINE}`, true],
    ['blank lines before it', `\n \r\n${LINE}`, true],
    ['gzip', gzipSync(LINE).toString('latin1'), true],
    ['a text that names messages', transcriptLine({ text: '"messages": [' }), true],
    ['a first line that is damaged', `kes","text":"hello"}\n${LINE}\n`, true],
    ['a first line that is cut off', `{"at":"2026-04-01T09:00:08Z","conv\n${LINE}`, true],
    ['a first line that is cut off after a field', `{"at":"2026-04-01T09:00:08Z",\n${LINE}`, true],
    ['a first line that was not read whole', `kes","image":"${'A'.repeat(65_536)}`, false],
    ['nothing in it', '', true],
    ['only blank lines', '\n\n', true],
  ])('is none of these with %s', ([, start, isWhole]) => {
    expect(refusal(start, isWhole)).toBeUndefined()
  })
})
