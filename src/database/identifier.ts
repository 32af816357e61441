import { escapeIdentifier } from 'pg'

/** `"schema"."table"`, quoted for SQL. */
export const qualified = (schema: string, name: string): string =>
  `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`

export { escapeIdentifier } from 'pg'
