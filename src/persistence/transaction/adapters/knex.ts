import { isServerError } from '../../../database/sql-state.js'
import type { TransactionClient } from '../transaction-client.js'
import { adapt } from './adapt.js'
import { splitAtParameters } from './parameters.js'

interface Answer {
  readonly rows: readonly unknown[]
}

/** A statement of Knex, which is sent when it is awaited. */
interface KnexStatement extends PromiseLike<unknown> {
  /** `statement.response` is the driver's answer. */
  on(event: string, listener: (answer: unknown, statement: { readonly response?: Answer }) => void): unknown
}

/** What Knex passes to the function of a transaction. */
export interface KnexTransaction {
  raw(sql: string, bindings: readonly unknown[]): KnexStatement
}

/** The transaction of `knex.transaction(async (trx) => …)`, as the `db` of a save. */
export const knexTransaction = (trx: KnexTransaction): TransactionClient =>
  adapt(trx, { name: 'trx of knexTransaction', method: 'raw' }, async (text, given) => {
    const { pieces, values } = splitAtParameters(text, given)
    // Knex takes a question mark for a parameter also in a name or a string.
    const statement = trx.raw(pieces.map((piece) => piece.replaceAll('?', '\\?')).join('?'), values)
    let rows: readonly unknown[] = []
    // What is awaited went through the application's postProcessResponse.
    statement.on('query-response', (_answer, { response }) => {
      rows = response?.rows ?? []
    })
    try {
      await statement
    } catch (error) {
      throw withoutStatement(error, pieces.at(-1) ?? '')
    }
    return rows
  })

// Knex puts the whole statement, with a dash, before the server's message.
const withoutStatement = (error: unknown, lastPiece: string): unknown => {
  if (!isServerError(error)) return error
  const end = `${lastPiece} - `
  const at = error.message.lastIndexOf(end)
  return at < 0 ? error : Object.assign(new Error(error.message.slice(at + end.length)), error)
}
