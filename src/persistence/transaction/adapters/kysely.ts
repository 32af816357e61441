import type { TransactionClient } from '../transaction-client.js'
import { adapt } from './adapt.js'

/** A statement as Kysely's `CompiledQuery.raw` makes it. */
interface CompiledText {
  readonly sql: string
  readonly parameters: readonly unknown[]
  readonly query: {
    readonly kind: 'RawNode'
    readonly sqlFragments: readonly string[]
    readonly parameters: readonly []
  }
  readonly queryId: { readonly queryId: string }
}

/** What Kysely passes to the function of a transaction. */
export interface KyselyTransaction {
  executeQuery(query: CompiledText): Promise<{ readonly rows: readonly unknown[] }>
  /** The same transaction, whose plugins change neither statements nor rows. */
  withoutPlugins?(): KyselyTransaction
}

/** The transaction of `db.transaction().execute(async (trx) => …)`, as the `db` of a save. */
export const kyselyTransaction = (trx: KyselyTransaction): TransactionClient =>
  adapt(trx, { name: 'trx of kyselyTransaction', method: 'executeQuery' }, async (text, parameters) => {
    const query = { kind: 'RawNode', sqlFragments: [text], parameters: [] } as const
    const { rows } = await (trx.withoutPlugins?.() ?? trx).executeQuery({
      sql: text,
      parameters,
      query,
      queryId: { queryId: 'chatkeep' },
    })
    return rows
  })
