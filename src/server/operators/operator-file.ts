import { randomBytes } from 'node:crypto'
import { OperatorError } from '../../errors.js'
import { shell } from '../../next-step.js'
import { ID_RANGE, isId } from '../../persistence/ids/ids.js'
import { MAX_USERNAME_CHARACTERS, toUsername } from '../../persistence/prepare-message.js'
import type { NamedOperator } from '../named-operator.js'

export const OPERATOR_FILE_HEADER = '# chatkeep operators: key, hash, id in "User" or -, name'

/** The line of an operator. */
export const operatorLine = ({ keyId, hash, operatorId, name }: NamedOperator): string =>
  `${keyId} sha256:${hash} ${operatorId ?? '-'} ${name}`

/** A line with a new key of the positions that guests' pages are handed: it stays when operators come and go. */
export const newPositionKeyLine = (): string => `position-key ${randomBytes(32).toString('base64url')}`

export interface OperatorFile {
  readonly operators: readonly NamedOperator[]
  /** Absent in a file that a person wrote. */
  readonly positionKey: string | undefined
}

/**
 * Parses the file. Blank lines, and those that start with `#`, are skipped.
 * @param file its name, for errors
 * @throws OperatorError `unusable_operators` that names every wrong line and repeats none
 */
export const parseOperatorFile = (text: string, file: string): OperatorFile => {
  const operators: NamedOperator[] = []
  const mistakes: string[] = []
  const lineOf = new Map<string, number>()
  let positionKey: string | undefined
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const key = POSITION_KEY.exec(line)?.[1]
    if (key !== undefined) {
      positionKey ??= key
      continue
    }
    const parsed = parseLine(line, lineOf)
    if (typeof parsed === 'string') mistakes.push(`line ${index + 1}: ${parsed}`)
    else {
      operators.push(parsed)
      lineOf.set(parsed.keyId, index + 1)
    }
  }
  if (mistakes.length > 0) throw unusableOperators(`${file}, ${mistakes.join('; ')}`)
  return { operators, positionKey }
}

const POSITION_KEY = /^position-key\s+([\w-]{43})$/
const KEY_ID = /^[\w-]{8}$/
const HASH = /^sha256:([\w-]{43})$/
const OPERATOR_ID = /^-?\d+$/
// Also those that a terminal or an editor takes for the end of a line.
const CONTROL = /[\p{Cc}\u2028\u2029]/u

/** @returns the operator, or what is wrong with the line */
const parseLine = (line: string, lineOf: ReadonlyMap<string, number>): NamedOperator | string => {
  const [, keyId = '', hashField = '', id = '', given = ''] = /^(\S+)\s+(\S+)\s+(\S+)\s+(.+)$/s.exec(line) ?? []
  const hash = HASH.exec(hashField)?.[1]
  const name = toUsername(given)
  const operatorId = id === '-' ? null : Number(id)
  if (name === '') return 'expected a key, a hash, an id in "User" or -, and a name'
  if (!KEY_ID.test(keyId)) return 'the key must have 8 letters, digits, - or _'
  if (hash === undefined) return 'the hash must be sha256: and 43 characters'
  if (operatorId !== null && !(OPERATOR_ID.test(id) && isId(operatorId))) return `the id must be -, or ${ID_RANGE}`
  if (CONTROL.test(given)) return 'the name has a control character'
  if (Array.from(name).length > MAX_USERNAME_CHARACTERS)
    return `the name is longer than ${MAX_USERNAME_CHARACTERS} characters`
  const earlier = lineOf.get(keyId)
  return earlier === undefined ? { keyId, hash, operatorId, name } : `the key is that of line ${earlier}`
}

export const unusableOperators = (reason: string, cause?: unknown): OperatorError =>
  new OperatorError('unusable_operators', `no usable operators: ${reason}`, {
    hint: shell('chatkeep serve --operators FILE --add-operator NAME', 'add an operator'),
    cause,
  })
