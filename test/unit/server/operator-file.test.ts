import { describe, expect, test } from 'vitest'
import { ID_RANGE } from '../../../src/persistence/ids/ids.js'
import { newPositionKeyLine, operatorLine, parseOperatorFile } from '../../../src/server/operators/operator-file.js'
import { createOperatorToken, readOperatorToken } from '../../../src/server/operators/operator-token.js'

const HASH = 'h'.repeat(43)

describe('the file of operators', () => {
  test('has one a line, comments and blank lines', () => {
    const text = `# staff\n\nkey-0001 sha256:${HASH} 7 Ana  Gil\r\n  key_0002   sha256:${HASH} -  Zoe \u0301# two\nkey-0003 sha256:${HASH} -12 Bo\n`
    const { operators } = parseOperatorFile(text, 'operators')
    expect(operators).toEqual([
      { keyId: 'key-0001', hash: HASH, operatorId: 7, name: 'Ana  Gil' },
      { keyId: 'key_0002', hash: HASH, operatorId: null, name: 'Zoe \u0301# two' },
      { keyId: 'key-0003', hash: HASH, operatorId: -12, name: 'Bo' },
    ])
    expect(parseOperatorFile(operators.map(operatorLine).join('\n'), 'again').operators).toEqual(operators)
    expect(parseOperatorFile('', 'empty')).toEqual({ operators: [] })
  })

  test('has a key of positions', () => {
    const line = newPositionKeyLine()
    const { positionKey, operators } = parseOperatorFile(`${line}\n${newPositionKeyLine()}\n`, 'operators')
    expect([operators, line]).toEqual([[], `position-key ${positionKey}`])
  })

  test.each([
    ['position-key short', 'expected a key, a hash, an id in "User" or -, and a name'],
    [`key-0001 sha256:${HASH} 7`, 'expected a key, a hash, an id in "User" or -, and a name'],
    [HASH, 'expected a key, a hash, an id in "User" or -, and a name'],
    [`key-1 sha256:${HASH} 7 Ana`, 'the key must have 8 letters, digits, - or _'],
    [`key-0001 ${HASH} 7 Ana`, 'the hash must be sha256: and 43 characters'],
    [`key-0001 sha256:${HASH}h 7 Ana`, 'the hash must be sha256: and 43 characters'],
    [`key-0001 sha256:${HASH} 1.5 Ana`, `the id must be -, or ${ID_RANGE}`],
    [`key-0001 sha256:${HASH} -9007199254740992 Ana`, `the id must be -, or ${ID_RANGE}`],
    [`key-0001 sha256:${HASH} 7 A\u001b[2Jna`, 'the name has a control character'],
    [`key-0001 sha256:${HASH} 7 A\u2028na`, 'the name has a control character'],
    [`key-0001 sha256:${HASH} 7 ${'a'.repeat(256)}`, 'the name is longer than 255 characters'],
    [`key-0002 sha256:${HASH} 7 Ana`, 'the key is that of line 1'],
  ])('with the wrong line %j is refused, by the number of the line and without its content', (line, reason) => {
    const text = `key-0002 sha256:${HASH} 8 Bo\n${line}\n`
    expect(() => parseOperatorFile(text, 'operators')).toThrow(`no usable operators: operators, line 2: ${reason}`)
    expect(() => parseOperatorFile(text, 'operators')).not.toThrow(HASH.slice(1))
  })

  test('with several mistakes names all of them', () => {
    expect(() => parseOperatorFile('a\nb', 'file')).toThrow(/file, line 1: .*; line 2: /)
  })
})

test('a token has 32 random characters after its key, and is known by its hash only', () => {
  const token = createOperatorToken()
  expect(token).toMatch(/^[\w-]{8}\.[\w-]{32}$/)
  expect(createOperatorToken().slice(0, 8)).not.toBe(token.slice(0, 8))
  expect(readOperatorToken(token)).toEqual({
    keyId: token.slice(0, 8),
    hash: expect.stringMatching(/^[\w-]{43}$/) as string,
  })
  expect(readOperatorToken(`x${token}`)).toBeUndefined()
})
