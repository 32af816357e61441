import type { Attribute, BlockAttribute, Enum, Field, Model as ModelBlock, Schema, Value } from '@mrleebo/prisma-ast'
import { OperatorError } from '../../errors.js'
import type { Model, ModelEnum, ModelField, ModelIndex, ModelRelation, Source } from './model.js'

interface SchemaFile {
  /** As the user named it. */
  readonly name: string
  readonly text: string
}

interface ParsedFile extends SchemaFile {
  readonly schema: Schema
  readonly lines: readonly string[]
}

/**
 * Parses the files. Models and enums of a file may refer to those of others.
 * @throws OperatorError `invalid_application_schema` with file and line of the syntax error
 */
export const toModels = async (
  files: readonly SchemaFile[],
): Promise<{ readonly models: readonly Model[]; readonly enums: readonly ModelEnum[] }> => {
  const parse = await createParser()
  const parsed = files.map((file) => ({ ...file, schema: parse(file), lines: file.text.split('\n') }))
  const blocks = parsed.flatMap(({ schema }) => schema.list)
  const modelNames = blocks.flatMap((block) => (block.type === 'model' || block.type === 'view' ? [block.name] : []))
  return {
    models: parsed.flatMap((file) =>
      file.schema.list.flatMap((block) => (block.type === 'model' ? [toModel(block, modelNames, file)] : [])),
    ),
    enums: parsed.flatMap((file) =>
      file.schema.list.flatMap((block) => (block.type === 'enum' ? [toEnum(block, file)] : [])),
    ),
  }
}

const createParser = async (): Promise<(file: SchemaFile) => Schema> => {
  // The package is CommonJS, and Node does not detect its named exports.
  const { default: ast } = await import('@mrleebo/prisma-ast')
  const parser = new ast.PrismaParser({ nodeLocationTracking: 'full' })
  const visitor = new (ast.VisitorClassFactory(parser))()
  return ({ name, text }) => {
    try {
      return ast.getSchema(text, { parser, visitor })
    } catch (error) {
      throw unparsable(name, text, error)
    }
  }
}

const unparsable = (name: string, text: string, error: unknown): OperatorError => {
  // The token where the parser failed; at the end of the file it has no position.
  const { token } = error as { readonly token?: { readonly startLine?: number; readonly startColumn?: number } }
  const lines = text.split('\n')
  const line = Number.isInteger(token?.startLine) ? (token?.startLine ?? 1) : lines.length
  const column = Number.isInteger(token?.startColumn) ? (token?.startColumn ?? 1) : 1
  return new OperatorError('invalid_application_schema', `${name}:${line}:${column}: cannot be parsed`, {
    details: [(lines[line - 1] ?? '').trimEnd(), `${' '.repeat(column - 1)}^`],
    hint: 'npx prisma validate shows what is wrong',
    cause: error,
  })
}

const toModel = (block: ModelBlock, modelNames: readonly string[], file: ParsedFile): Model => {
  const fields = block.properties.filter((property) => property.type === 'field')
  const attributes = block.properties.filter((property): property is BlockAttribute => property.type === 'attribute')
  const isRelation = ({ fieldType }: Field): boolean => typeof fieldType === 'string' && modelNames.includes(fieldType)
  return {
    name: block.name,
    table: mapped(attributes) ?? block.name,
    schema: textOf(firstArgument(attributes.find(({ name }) => name === 'schema'))),
    fields: fields.filter((field) => !isRelation(field)).map((field) => toField(field, file)),
    relations: fields.filter(isRelation).flatMap((field) => toRelation(field, file)),
    indexes: attributes.flatMap((attribute) => toIndex(attribute, file)),
    source: sourceOf(block.location, file),
  }
}

const GENERATING = ['autoincrement', 'dbgenerated', 'sequence']

const toField = (field: Field, file: ParsedFile): ModelField => {
  const attributes = field.attributes ?? []
  const has = (wanted: string): boolean => attributes.some(({ name, group }) => group === undefined && name === wanted)
  const defaultValue = firstArgument(attributes.find(({ name }) => name === 'default'))
  const generated = isFunction(defaultValue) && GENERATING.includes(defaultValue.name)
  return {
    name: field.name,
    column: mapped(attributes) ?? field.name,
    type: typeof field.fieldType === 'string' ? field.fieldType : field.fieldType.name,
    nativeType: attributes.find(({ group }) => group === 'db')?.name,
    optional: field.optional === true,
    list: field.array === true,
    generated,
    filled: (has('default') && !generated) || has('updatedAt'),
    unique: has('id') || has('unique'),
    ignored: has('ignore') || typeof field.fieldType !== 'string',
    source: sourceOf(field.location, file),
  }
}

// The side without `fields` has no foreign key.
const toRelation = (field: Field, file: ParsedFile): readonly ModelRelation[] => {
  const relation = field.attributes?.find(({ name }) => name === 'relation')
  const fields = (relation?.args ?? []).flatMap(({ value }) =>
    isKeyed(value, 'fields') && isArray(value.value) ? value.value.args.filter((name) => typeof name === 'string') : [],
  )
  if (fields.length === 0) return []
  const type = typeof field.fieldType === 'string' ? field.fieldType : ''
  const word = (key: string): string | undefined =>
    (relation?.args ?? []).flatMap(({ value }) =>
      isKeyed(value, key) && typeof value.value === 'string' ? [value.value] : [],
    )[0]
  return [
    {
      name: field.name,
      optional: field.optional === true,
      fields,
      type,
      onDelete: word('onDelete'),
      onUpdate: word('onUpdate'),
      source: sourceOf(field.location, file),
    },
  ]
}

const toIndex = (attribute: BlockAttribute, file: ParsedFile): readonly ModelIndex[] => {
  const { name, args, location } = attribute
  if (name !== 'index' && name !== 'unique') return []
  const values = args.map(({ value }) => (isKeyed(value, 'fields') ? value.value : value))
  const list = values.find((value) => isArray(value))
  const map = args.flatMap(({ value }) => (isKeyed(value, 'map') ? (textOf(value.value) ?? []) : []))[0]
  const fields = (list?.args ?? []).flatMap((field) =>
    typeof field === 'string' ? [field] : isFunction(field) ? [field.name] : [],
  )
  return fields.length === 0 ? [] : [{ kind: name, fields, map, source: sourceOf(location, file) }]
}

const toEnum = (block: Enum, file: ParsedFile): ModelEnum => ({
  name: block.name,
  type: mapped(block.enumerators.filter((one): one is BlockAttribute => one.type === 'attribute')) ?? block.name,
  labels: block.enumerators.flatMap((one) =>
    one.type === 'enumerator' ? [mapped(one.attributes ?? []) ?? one.name] : [],
  ),
  source: sourceOf(block.location, file),
})

const mapped = (attributes: readonly (Attribute | BlockAttribute)[]): string | undefined =>
  textOf(firstArgument(attributes.find(({ name, group }) => name === 'map' && group === undefined)))

const firstArgument = (attribute: Attribute | BlockAttribute | undefined): Value | undefined => {
  const value = attribute?.args?.[0]?.value
  return isKeyed(value, 'name') || isKeyed(value, 'value') ? value.value : value
}

const textOf = (value: Value | undefined): string | undefined => {
  if (typeof value !== 'string' || !value.startsWith('"')) return undefined
  try {
    return JSON.parse(value) as string
  } catch {
    // The parser knows escapes that JSON does not, such as \v; the name then stays that of the model.
    return undefined
  }
}

type Argument = Value | { readonly type: 'keyValue'; readonly key: string; readonly value: Value } | undefined

const isTagged = (value: Argument): value is Exclude<Argument, string | number | boolean | null | undefined> & object =>
  typeof value === 'object' && value !== null && 'type' in value

const isKeyed = (value: Argument, key: string): value is { type: 'keyValue'; key: string; value: Value } =>
  isTagged(value) && 'type' in value && value.type === 'keyValue' && 'key' in value && value.key === key

const isArray = (value: Argument): value is { type: 'array'; args: Value[] } =>
  typeof value === 'object' && value !== null && 'type' in value && value.type === 'array'

const isFunction = (value: Value | undefined): value is { type: 'function'; name: string } =>
  typeof value === 'object' && value !== null && 'type' in value && value.type === 'function'

const sourceOf = (location: { readonly startLine?: number | undefined } | undefined, file: ParsedFile): Source => {
  const line = location?.startLine ?? 1
  return { file: file.name, line, text: (file.lines[line - 1] ?? '').trim() }
}
