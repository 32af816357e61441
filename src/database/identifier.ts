import { escapeIdentifier } from 'pg'

/** `"schema"."table"`, safe to put into SQL text. */
export const qualified = (schema: string, name: string): string =>
  `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`

export { escapeIdentifier } from 'pg'
