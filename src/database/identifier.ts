/** A name, quoted for SQL. */
export const escapeIdentifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** `"schema"."table"`, quoted for SQL. */
export const qualified = (schema: string, name: string): string =>
  `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`
