import type { ServerError } from '../../../database/sql-state.js'
import type { TransactionClient } from '../transaction-client.js'
import { adapt } from './adapt.js'

/** What Prisma passes to the function of an interactive transaction. */
export interface PrismaTransaction {
  $queryRawUnsafe(query: string, ...values: unknown[]): PromiseLike<unknown>
}

/** The transaction of `prisma.$transaction(async (tx) => …)`, as the `db` of a save. */
export const prismaTransaction = (tx: PrismaTransaction): TransactionClient =>
  adapt(tx, { name: 'tx of prismaTransaction', method: '$queryRawUnsafe' }, async (text, values) => {
    try {
      const rows = await tx.$queryRawUnsafe(text, ...values)
      return Array.isArray(rows) ? (rows as unknown[]) : []
    } catch (error) {
      throw toServerError(error)
    }
  })

/** What Prisma tells of an error of the server: with a driver adapter, or with its own engine. */
interface PrismaMeta {
  readonly driverAdapterError?: {
    readonly cause?: {
      readonly originalCode?: string
      readonly originalMessage?: string
      readonly table?: string
      readonly constraint?: { readonly index?: string }
    }
  }
  readonly code?: string
  readonly message?: string
}

/** The server's error behind one of Prisma's, as far as that has kept it: the context (`where`) is lost. */
const toServerError = (error: unknown): unknown => {
  if (!(error instanceof Error) || !('meta' in error)) return error
  const { driverAdapterError, code: ofEngine, message } = (error.meta ?? {}) as PrismaMeta
  const { originalCode, originalMessage, table, constraint } = driverAdapterError?.cause ?? {}
  const code = originalCode ?? ofEngine
  if (code === undefined) return error
  const text = originalMessage ?? message ?? error.message
  return Object.assign(new Error(text, { cause: error }), {
    code,
    severity: 'ERROR',
    ...(table === undefined ? {} : { table }),
    // It names only unique constraints and foreign keys; a row that violates none has no partition, which is rarer than a CHECK.
    constraint: constraint?.index ?? '',
  }) satisfies ServerError
}
