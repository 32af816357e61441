import type { Catalog } from '../../../database/catalog.js'
import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { or, sql, type Next } from '../../../next-step.js'
import { findColumn, plainType, type RequiredColumn } from '../../../persistence/shape.js'

/** Values for older rows of a required column, from what these rows still have, as SQL. */
const FILL: Readonly<Record<string, string>> = {
  'User.username': `'user-' || "id"`,
  'Client.username': `'client-' || "id"`,
  'Client.createdAt': `timezone('UTC', now())`,
  'Client.updatedAt': '"createdAt"',
  'ChatMessage.createdAt': `timezone('UTC', now())`,
  'ChatMessage.senderType': `CASE WHEN "operatorId" IS NULL THEN 'CLIENT' ELSE 'OPERATOR' END`,
  'ChatMessage.messageType': `CASE WHEN "imageUrl" IS NULL THEN 'TEXT' ELSE 'IMAGE' END`,
  'ChatMessage.isRead': 'false',
  'ChatMessage.guestUnverified': 'false',
}

interface Place {
  readonly catalog: Catalog
  readonly schema: string
}

/** The statements that give the table the column, in the right type, required or not. */
export const repairColumn = ({ catalog, schema }: Place, wanted: RequiredColumn): Next => {
  const { table, column, types, nullable } = wanted
  const actual = findColumn(catalog, table, column)
  const type = qualifiedType(types[0] ?? 'text', schema)
  const alter = `ALTER TABLE ${qualified(schema, table)}`
  const name = escapeIdentifier(column)
  if (actual === undefined && column === 'id') return sql(`${alter} ADD COLUMN ${name} serial PRIMARY KEY`)
  if (actual === undefined) {
    const add = `${alter} ADD COLUMN ${name} ${type}`
    return nullable ? sql(add) : sql([add, ...requireColumn(wanted, schema)], 'unless a backup has its values')
  }
  if (!types.includes(plainType(actual.type)))
    return sql(`${alter} ALTER COLUMN ${name} TYPE ${type} USING ${converted(name, actual.type, type)}`)
  return nullable ? sql(`${alter} ALTER COLUMN ${name} DROP NOT NULL`) : sql(requireColumn(wanted, schema))
}

// Rows without a value would make SET NOT NULL fail.
const requireColumn = ({ table, column, types }: RequiredColumn, schema: string): readonly string[] => {
  const [target, name] = [qualified(schema, table), escapeIdentifier(column)]
  const fill = FILL[`${table}.${column}`]
  const type = types[0] ?? 'text'
  const value = type.startsWith('"') && fill !== undefined ? `(${fill})::${qualifiedType(type, schema)}` : fill
  return [
    ...(value === undefined ? [] : [`UPDATE ${target} SET ${name} = ${value} WHERE ${name} IS NULL`]),
    `ALTER TABLE ${target} ALTER COLUMN ${name} SET NOT NULL`,
  ]
}

// The enums of the application are in its schema.
const qualifiedType = (type: string, schema: string): string =>
  type.startsWith('"') ? `${escapeIdentifier(schema)}.${type}` : type

const converted = (name: string, from: string, to: string): string => {
  // Without a zone, the server would convert to the zone of the session that runs ALTER TABLE.
  if (from.includes('with time zone') && to === 'timestamp without time zone') return `${name} AT TIME ZONE 'UTC'`
  return to.includes('"') ? `${name}::text::${to}` : `${name}::${to}`
}

/** The statements that let inserts omit a column of the application: only the application knows a default that fits. */
export const optionalColumn = (schema: string, table: string, column: string): Next => {
  const alter = `ALTER TABLE ${qualified(schema, table)} ALTER COLUMN ${escapeIdentifier(column)}`
  if (column === 'id') return sql(numberIds(schema, table))
  const fill = FILL[`${table}.${column}`]
  return fill === undefined || fill.includes('"')
    ? [sql(`${alter} DROP NOT NULL`), or('give it a default that fits the application')]
    : sql(`${alter} SET DEFAULT ${fill}`)
}

/** The statements after which new rows get ids of their own. */
export const numberIds = (schema: string, table: string): readonly string[] => {
  const target = qualified(schema, table)
  const sequence = qualified(schema, `${table}_id_seq`)
  const literal = `'${sequence.replaceAll("'", "''")}'`
  return [
    `CREATE SEQUENCE IF NOT EXISTS ${sequence} OWNED BY ${target}."id"`,
    `SELECT setval(${literal}, greatest((SELECT max("id") FROM ${target}), (SELECT last_value FROM ${sequence})))`,
    `ALTER TABLE ${target} ALTER COLUMN "id" SET DEFAULT nextval(${literal})`,
  ]
}
