import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { OperatorError } from '../../errors.js'
import { fileFailure } from '../../file-reason.js'
import { readNamedFile } from '../../read-named-file.js'
import type { ApplicationSchema } from './model.js'
import { toModels } from './prisma-blocks.js'

/**
 * Reads a Prisma schema: one file, or all `*.prisma` files of a folder, including subfolders.
 * @param path the path as the user named it, for messages
 * @throws OperatorError `invalid_application_schema` with file and line, or if no model belongs to a table of the chat
 */
export const readApplicationSchema = async (path: string, absolutePath: string): Promise<ApplicationSchema> => {
  const names = await listFiles(absolutePath)
  const files = names.map((name) => ({ name: join(path, name), text: readText(join(absolutePath, name)) }))
  const parts = await toModels(files)
  const schema = { path, ...parts }
  if (!schema.models.some(({ table }) => table === 'ChatMessage' || table === 'Client')) throw foreignSchema(schema)
  return schema
}

// Relative to the path; empty if the path is a file.
const listFiles = async (path: string): Promise<readonly string[]> => {
  try {
    if (!(await stat(path)).isDirectory()) return ['']
  } catch (cause) {
    throw unreadable(path, cause)
  }
  const names = (await readdir(path, { recursive: true })).filter((name) => name.endsWith('.prisma'))
  if (names.length > 0) return names.toSorted()
  throw new OperatorError('invalid_application_schema', `the folder ${path} has no *.prisma file`)
}

const readText = (path: string): string => {
  try {
    return readNamedFile(path).toString('utf8')
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

const unreadable = (path: string, cause: unknown): OperatorError =>
  new OperatorError(
    'invalid_application_schema',
    `the application schema ${path} cannot be read: ${fileFailure(cause as Error)}`,
    { hint: 'name schema.prisma, or the folder of the *.prisma files, with --application-schema', cause },
  )

const foreignSchema = ({ path, models }: ApplicationSchema): OperatorError =>
  new OperatorError(
    'invalid_application_schema',
    `no model in ${path} belongs to the table "ChatMessage" or "Client"`,
    {
      details: [
        `models: ${models.map(({ name, table }) => (name === table ? name : `${name} (${table})`)).join(', ') || 'none'}`,
      ],
      hint: 'name the schema of the application that has the chat; a model with another name needs @@map("ChatMessage")',
    },
  )
