import { OperatorError } from '../../errors.js'
import { fileFailure } from '../../file-reason.js'
import { readSecretFile } from '../../private-file.js'

/** The variable that holds the operator secret. There is no flag: every user of the machine can read command lines. */
const SECRET_VARIABLE = 'CHATKEEP_OPERATOR_SECRET'

/**
 * Reads the operator secret from the file if one is named, else from the environment; outer white space is trimmed.
 * @returns undefined when neither is given
 * @throws OperatorError `unusable_operator_secret` for a file that is missing or empty, and for a blank variable
 */
export const readOperatorSecret = async (
  file: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> => {
  if (file !== undefined) return usable(await read(file), file)
  const value = environment[SECRET_VARIABLE]
  return value === undefined ? undefined : usable(value, SECRET_VARIABLE)
}

const read = async (file: string): Promise<string> => {
  try {
    return await readSecretFile(file)
  } catch (cause) {
    if (cause instanceof OperatorError) throw cause
    throw unusable(`${file} cannot be read: ${fileFailure(cause as Error)}`, cause)
  }
}

const usable = (text: string, source: string): string => {
  const secret = text.trim()
  if (secret === '') throw unusable(`${source} is empty`)
  if (/\p{Cc}/u.test(secret)) throw unusable(`${source} has a control character or more than one line`)
  return secret
}

/** Few enough to remember, too many to guess. */
const LEAST_CHARACTERS = 16

/** @throws OperatorError `unusable_operator_secret` */
export const refuseWeakSecret = (secret: string | undefined): void => {
  if (secret !== undefined && secret.length < LEAST_CHARACTERS)
    throw unusable(`it has ${secret.length} of at least ${LEAST_CHARACTERS} characters`)
}

const unusable = (reason: string, cause?: unknown): OperatorError =>
  new OperatorError('unusable_operator_secret', `no usable operator secret: ${reason}`, {
    hint: 'create one: openssl rand -base64 24 > operator-secret && chmod 600 operator-secret',
    cause,
  })
