import { ExitCode, OperatorError } from '../../errors.js'
import type { Queryable } from '../connection.js'
import { charactersIn, consequenceOf, moveToUtf8, readEncoding, type DatabaseEncoding } from './encoding.js'

/**
 * A server that refuses messages for their characters does not keep every message.
 * @throws OperatorError `encoding_not_utf8`
 */
export const refuseEncoding = async (client: Queryable): Promise<DatabaseEncoding> => {
  const found = await readEncoding(client)
  const { database, encoding } = found
  if (charactersIn(encoding) !== 'some refused') return found
  throw new OperatorError(
    'encoding_not_utf8',
    `${database} is encoded in ${encoding}, not in UTF8: ${consequenceOf(encoding)}`,
    { exitCode: ExitCode.no, hint: moveToUtf8(found) },
  )
}
