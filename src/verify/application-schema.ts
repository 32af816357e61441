import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { OperatorError } from '../errors.js'
import { toModels } from './prisma-blocks.js'

/** Where a model, a field or an enum is written. */
export interface Source {
  readonly file: string
  readonly line: number
  /** The line as it is written, without outer white space. */
  readonly text: string
}

/** A field that stands for a column. */
export interface ModelField {
  readonly name: string
  readonly column: string
  /** As written, without `?` and `[]`: a scalar of Prisma's or the name of an enum. */
  readonly type: string
  /** Of `@db.VarChar(20)`: `VarChar`. */
  readonly nativeType: string | undefined
  readonly optional: boolean
  readonly list: boolean
  /** Its value comes from a default of the database's. */
  readonly generated: boolean
  /** Its value comes from a default or `@updatedAt` that the ORM fills in by itself. */
  readonly filled: boolean
  /** By itself: `@id` or `@unique`. */
  readonly unique: boolean
  /** The ORM leaves it alone: `@ignore`, or a type that it does not support. */
  readonly ignored: boolean
  readonly source: Source
}

/** A field that stands for another model, by way of columns of this one. */
export interface ModelRelation {
  readonly name: string
  readonly optional: boolean
  /** Names of the fields that it rests on. */
  readonly fields: readonly string[]
  readonly type: string
  readonly source: Source
}

export interface Model {
  readonly name: string
  readonly table: string
  /** Of `@@schema("…")`. */
  readonly schema: string | undefined
  readonly fields: readonly ModelField[]
  readonly relations: readonly ModelRelation[]
  readonly source: Source
}

export interface ModelEnum {
  readonly name: string
  /** Name of the type in the database. */
  readonly type: string
  /** As they are in the database. */
  readonly labels: readonly string[]
  readonly source: Source
}

/** What the application's ORM believes of the database. */
export interface ApplicationSchema {
  /** File or folder, as the reader named it. */
  readonly path: string
  readonly models: readonly Model[]
  readonly enums: readonly ModelEnum[]
}

/**
 * Reads a schema of Prisma: one file, or all `*.prisma` files of a folder and the folders in it.
 * @param path as the reader named it; findings name files by it
 * @param absolutePath where it is
 * @throws OperatorError `invalid_application_schema` naming file and line, or saying that no model is one of the chat's
 */
export const readApplicationSchema = async (path: string, absolutePath: string): Promise<ApplicationSchema> => {
  const names = await listFiles(absolutePath)
  const files = await Promise.all(
    names.map(async (name) => ({ name: join(path, name), text: await readFile(join(absolutePath, name), 'utf8') })),
  )
  const { models, enums } = await toModels(files)
  const schema = { path, models, enums }
  if (!models.some(({ table }) => table === 'ChatMessage' || table === 'Client')) throw foreignSchema(schema)
  return schema
}

// Relative to the path; of a file it is nothing.
const listFiles = async (path: string): Promise<readonly string[]> => {
  try {
    if (!(await stat(path)).isDirectory()) return ['']
  } catch (cause) {
    throw new OperatorError('invalid_application_schema', `the application schema ${path} cannot be read`, {
      hint: 'name schema.prisma, or the folder of the *.prisma files, with --application-schema',
      cause,
    })
  }
  const names = (await readdir(path, { recursive: true })).filter((name) => name.endsWith('.prisma'))
  if (names.length > 0) return names.toSorted()
  throw new OperatorError('invalid_application_schema', `the folder ${path} has no *.prisma file`)
}

const foreignSchema = ({ path, models }: ApplicationSchema): OperatorError =>
  new OperatorError('invalid_application_schema', `no model of ${path} is of the table "ChatMessage" or "Client"`, {
    details: [
      `models: ${models.map(({ name, table }) => (name === table ? name : `${name} (${table})`)).join(', ') || 'none'}`,
    ],
    hint: 'name the schema of the application that keeps the chat; a model of another name says @@map("ChatMessage")',
  })
