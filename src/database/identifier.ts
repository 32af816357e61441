/** A name, quoted for SQL. */
export const escapeIdentifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** `"schema"."table"`, quoted for SQL. */
export const qualified = (schema: string, name: string): string =>
  `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`

/** A text, quoted for SQL in a session with standard_conforming_strings, as ours are. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`
