import type { BlockAttribute, Enum, Field, Model as ModelBlock, Schema } from '@mrleebo/prisma-ast'
import { OperatorError } from '../../errors.js'
import type { ApplicationSchema, Model, ModelEnum, ModelField, Source } from './model.js'
import { toBlockIndex, toFieldIndex, toRelation } from './prisma-attributes.js'
import { asWritten, namesAsWritten, toParsable, type Place } from './prisma-text.js'
import { firstArgument, isFunction, mapped, textOf, whole } from './prisma-values.js'

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
export const toModels = async (files: readonly SchemaFile[]): Promise<Omit<ApplicationSchema, 'path'>> => {
  const parse = await createParser()
  const parsed = files.map((file) => ({ ...file, schema: parse(file), lines: file.text.split('\n') }))
  const blocks = parsed.flatMap(({ schema }) => whole(schema.list))
  const modelNames = blocks.flatMap((block) => (block.type === 'model' || block.type === 'view' ? [block.name] : []))
  return {
    models: parsed.flatMap((file) =>
      whole(file.schema.list).flatMap((block) => (block.type === 'model' ? [toModel(block, modelNames, file)] : [])),
    ),
    enums: parsed.flatMap((file) =>
      whole(file.schema.list).flatMap((block) => (block.type === 'enum' ? [toEnum(block, file)] : [])),
    ),
    withoutForeignKeys: parsed.flatMap(relationModePrisma)[0],
  }
}

// The parser gives assignments no location.
const relationModePrisma = (file: ParsedFile): readonly Source[] => {
  const isSet = whole(file.schema.list).some(
    (block) =>
      block.type === 'datasource' &&
      whole(block.assignments).some(
        (one) => one.type === 'assignment' && one.key === 'relationMode' && textOf(one.value) === 'prisma',
      ),
  )
  const index = file.lines.findIndex((line) => /^\s*relationMode\s*=/.test(line))
  return isSet && index >= 0 ? [sourceOf({ startLine: index + 1 }, file)] : []
}

const createParser = async (): Promise<(file: SchemaFile) => Schema> => {
  // The package is CommonJS, and Node does not detect its named exports.
  const { default: ast } = await import('@mrleebo/prisma-ast')
  const parser = new ast.PrismaParser({ nodeLocationTracking: 'full' })
  const visitor = new (ast.VisitorClassFactory(parser))()
  return ({ name, text }) => {
    const parsable = toParsable(text)
    let schema: Schema
    try {
      schema = ast.getSchema(parsable.text, { parser, visitor })
    } catch (error) {
      throw unparsable(name, text, placeIn(parsable.text, error), error)
    }
    if (parsable.invalidAt !== undefined) throw unparsable(name, text, parsable.invalidAt)
    return asWritten(schema)
  }
}

/** The token where the parser failed; at the end of the file it has no position. */
const placeIn = (text: string, error: unknown): Place => {
  const { token } = error as { readonly token?: { readonly startLine?: number; readonly startColumn?: number } }
  const lines = text.split('\n')
  const line = Number.isInteger(token?.startLine) ? (token?.startLine ?? 1) : lines.length
  const column = Number.isInteger(token?.startColumn) ? (token?.startColumn ?? 1) : 1
  return { line, column: namesAsWritten((lines[line - 1] ?? '').slice(0, column - 1)).length + 1 }
}

const unparsable = (name: string, text: string, { line, column }: Place, cause?: unknown): OperatorError =>
  new OperatorError('invalid_application_schema', `${name}:${line}:${column}: cannot be parsed`, {
    details: [(text.split('\n')[line - 1] ?? '').trimEnd(), `${' '.repeat(column - 1)}^`],
    hint: 'npx prisma validate shows what is wrong',
    cause,
  })

const toModel = (block: ModelBlock, modelNames: readonly string[], file: ParsedFile): Model => {
  const properties = whole(block.properties)
  const fields = properties.filter((property) => property.type === 'field')
  const attributes = properties.filter((property): property is BlockAttribute => property.type === 'attribute')
  const isRelation = ({ fieldType }: Field): boolean => typeof fieldType === 'string' && modelNames.includes(fieldType)
  return {
    name: block.name,
    table: mapped(attributes) ?? block.name,
    schema: textOf(firstArgument(attributes.find(({ name }) => name === 'schema'))),
    fieldNames: fields.map(({ name }) => name),
    fields: fields.filter((field) => !isRelation(field)).map((field) => toField(field, file)),
    relations: fields.filter(isRelation).flatMap((field) => toRelation(field, sourceOf(field.location, file))),
    indexes: [
      ...fields.flatMap((field) => toFieldIndex(field, sourceOf(field.location, file))),
      ...attributes.flatMap((attribute) => toBlockIndex(attribute, sourceOf(attribute.location, file))),
    ],
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
    id: has('id'),
    ignored: has('ignore') || typeof field.fieldType !== 'string',
    source: sourceOf(field.location, file),
  }
}

const toEnum = (block: Enum, file: ParsedFile): ModelEnum => ({
  name: block.name,
  type: mapped(whole(block.enumerators).filter((one): one is BlockAttribute => one.type === 'attribute')) ?? block.name,
  labels: whole(block.enumerators).flatMap((one) =>
    one.type === 'enumerator' ? [mapped(one.attributes ?? []) ?? one.name] : [],
  ),
  source: sourceOf(block.location, file),
})

const sourceOf = (location: { readonly startLine?: number | undefined } | undefined, file: ParsedFile): Source => {
  const line = location?.startLine ?? 1
  return { file: file.name, line, text: (file.lines[line - 1] ?? '').trim() }
}
