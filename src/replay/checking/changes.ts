import type { Queryable } from '../../database/connection.js'
import { askInHalves } from '../../database/encoding/ask-in-halves.js'
import { readableColumns } from '../../persistence/access/readable-columns.js'
import { namesIn } from '../../persistence/sql-names.js'

/** What the application did to a message after it was stored. */
export type Change = 'edited' | 'deleted'

/** Changes by idempotency key. */
export type Changes = ReadonlyMap<string | null, Change>

export const NO_CHANGES: Changes = new Map()

export interface ChangeCounts {
  readonly edited: number
  readonly deleted: number
}

/** What was changed of the messages with these keys; nothing where the table of changes is missing or may not be read. */
export type ReadChanges = (keys: readonly string[]) => Promise<Changes>

export const createReadChanges = (client: Queryable, schema: string): ReadChanges => {
  const { changedMessages } = namesIn(schema)
  let isReadable: boolean | undefined
  return async (keys) => {
    isReadable ??= (await readableColumns(client, changedMessages, COLUMNS)).length === COLUMNS.length
    if (!isReadable) return NO_CHANGES
    const rows = await askInHalves(keys, async (some) => {
      const answer = await client.query<ChangeRow>(changesSql(changedMessages), [some])
      return answer.rows
    })
    return new Map(rows.map(({ idempotencyKey, isDeleted }) => [idempotencyKey, isDeleted ? 'deleted' : 'edited']))
  }
}

/** Columns of the content, which an edit may change. */
const EDITABLE: readonly string[] = ['text', 'imageUrl', 'imageName', 'mimeType']

export const isEditable = (column: string): boolean => EDITABLE.includes(column)

interface ChangeRow {
  readonly idempotencyKey: string
  readonly isDeleted: boolean
}

const COLUMNS = ['idempotencyKey', 'deletedAt']

const changesSql = (changedMessages: string): string => `
  SELECT "idempotencyKey", "deletedAt" IS NOT NULL AS "isDeleted"
  FROM ${changedMessages}
  WHERE "idempotencyKey" = ANY ($1::text[])`
