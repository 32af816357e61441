import type { CatalogColumn } from '../../database/catalog.js'
import { plainType } from '../../persistence/shape.js'
import type { ModelEnum, ModelField } from './model.js'
import type { Severity } from '../severity.js'

/** Column types that fit a Prisma scalar; the first is its default. */
export const SCALARS: Readonly<Record<string, readonly string[]>> = {
  Int: ['integer', 'smallint'],
  BigInt: ['bigint', 'integer', 'smallint'],
  String: ['text', 'character varying', 'character', 'citext'],
  Boolean: ['boolean'],
  DateTime: ['timestamp without time zone', 'timestamp with time zone', 'date', 'time without time zone'],
  Float: ['double precision', 'real'],
  Decimal: ['numeric', 'money'],
  Json: ['jsonb', 'json'],
  Bytes: ['bytea'],
}

/** Column types of `@db.…` attributes, where they differ from the default of the scalar. */
const NATIVE_TYPES: Readonly<Record<string, string>> = {
  SmallInt: 'smallint',
  VarChar: 'character varying',
  Char: 'character',
  Citext: 'citext',
  Uuid: 'uuid',
  Xml: 'xml',
  Inet: 'inet',
  Bit: 'bit',
  VarBit: 'bit varying',
  Timestamptz: 'timestamp with time zone',
  Date: 'date',
  Time: 'time without time zone',
  Timetz: 'time with time zone',
  Real: 'real',
  Money: 'money',
  Json: 'json',
  Oid: 'oid',
}

const TIMESTAMPS = ['timestamp without time zone', 'timestamp with time zone']
const KNOWN_TYPES = new Set([...Object.values(SCALARS).flat(), ...Object.values(NATIVE_TYPES)])

export interface WrongType {
  readonly severity: Severity
  readonly consequence: string
}

/** The consequence if a field's type does not fit its column; undefined if it fits or the column's type is unknown. */
export const matchType = (
  field: ModelField,
  { type }: CatalogColumn,
  enums: readonly ModelEnum[],
): WrongType | undefined => {
  const actual = plainType(type)
  const isList = actual.endsWith('[]')
  if (isList !== field.list) return wrong(isList ? 'the column is an array' : 'the column is not an array')
  const element = isList ? actual.slice(0, -'[]'.length) : actual
  const named = enums.find(({ name }) => name === field.type)
  if (named !== undefined) return isNamed(element, named.type) ? undefined : wrong(OTHER_TYPE)
  if (enums.some((one) => isNamed(element, one.type))) return wrong(OTHER_TYPE)
  if (!KNOWN_TYPES.has(element)) return undefined
  const native = field.nativeType === undefined ? undefined : NATIVE_TYPES[field.nativeType]
  const fitting = SCALARS[field.type] ?? []
  if (element !== native && !fitting.includes(element)) return wrong(OTHER_TYPE)
  return shiftsTimes(element, native ?? fitting[0])
}

const OTHER_TYPE = 'reading or writing the field fails'

const wrong = (consequence: string): WrongType => ({ severity: 'error', consequence })

const isNamed = (type: string, name: string): boolean => type === name || type === `"${name}"`

const shiftsTimes = (actual: string, wanted: string | undefined): WrongType | undefined =>
  wanted !== actual && wanted !== undefined && TIMESTAMPS.includes(actual) && TIMESTAMPS.includes(wanted)
    ? { severity: 'warning', consequence: 'times shift in sessions that are not in UTC' }
    : undefined
