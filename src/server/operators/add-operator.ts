import { OperatorError } from '../../errors.js'
import { openPrivateFile } from '../../private-file.js'
import { newPositionKeyLine, OPERATOR_FILE_HEADER, operatorLine, parseOperatorFile } from './operator-file.js'
import { readOperatorFile } from './operator-list.js'
import { createOperatorToken, readOperatorToken, type TokenHash } from './operator-token.js'

export interface AddedOperator {
  readonly file: string
  readonly name: string
  readonly operatorId: number | null
}

/**
 * Appends an operator to the file, which is created if it is missing.
 * @returns the operator's token, which is stored nowhere
 * @throws OperatorError `usage` for a name that a line cannot hold; `unusable_operators` or `file_not_private`
 */
export const addOperator = async ({ file, name, operatorId }: AddedOperator): Promise<string> => {
  const token = createOperatorToken()
  const line = operatorLine({ ...tokenIn(token), operatorId, name: name.trim() })
  refuseUnreadable(line)
  const text = await readOperatorFile(file).catch((error: unknown) => {
    if (error instanceof OperatorError && isMissing(error.cause)) return undefined
    throw error
  })
  const { positionKey } = parseOperatorFile(text ?? '', file)
  const key = positionKey === undefined ? `${newPositionKeyLine()}\n` : ''
  const start = text === undefined ? `${OPERATOR_FILE_HEADER}\n` : text === '' || text.endsWith('\n') ? '' : '\n'
  const handle = await openPrivateFile(file, 'append')
  try {
    await handle.appendFile(`${start}${key}${line}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return token
}

const tokenIn = (token: string): TokenHash => {
  const read = readOperatorToken(token)
  if (read === undefined) throw new Error('a new token has the wrong form')
  return read
}

const refuseUnreadable = (line: string): void => {
  if (line.includes('\n')) throw unusableName('has a line break')
  try {
    parseOperatorFile(line, '--add-operator')
  } catch (cause) {
    throw unusableName('is empty, too long, or has a control character', cause)
  }
}

const unusableName = (reason: string, cause?: unknown): OperatorError =>
  new OperatorError('usage', `the name after --add-operator ${reason}`, { cause })

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'
