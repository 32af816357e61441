import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { OperatorError } from '../../errors.js'
import { fileFailure } from '../../file-reason.js'
import { readNamedFile } from '../../read-named-file.js'
import { pickSettings, type ConnectionKeywords } from './settings.js'

export interface ServiceFiles {
  /** The file that `servicefile` or PGSERVICEFILE names. */
  readonly named: string | undefined
  readonly home: string
  /** PGSYSCONFDIR. */
  readonly systemFolder: string | undefined
}

/** The settings of a service, and the file that has them. */
export interface Service {
  readonly file: string
  readonly keywords: ConnectionKeywords
}

/**
 * Looks for a service.
 * @throws OperatorError `service_not_found` or `invalid_service_file`
 */
export const readService = (service: string, { named, home, systemFolder }: ServiceFiles): Service => {
  const files = [
    named ?? join(home, '.pg_service.conf'),
    join(systemFolder ?? '/etc/postgresql-common', 'pg_service.conf'),
  ]
  for (const file of files) {
    if (!existsSync(file)) continue
    const keywords = parseServiceFile(readText(file), service, file)
    if (keywords !== undefined) return { file, keywords: pickSettings(keywords, file) }
  }
  throw new OperatorError(
    'service_not_found',
    `there is no service ${JSON.stringify(service)} (named by PGSERVICE or the URL)`,
    { hint: `add a section [${service}] to ${files[0]}` },
  )
}

/** The names of all services, for completion in the shell. @throws OperatorError for a file that cannot be read */
export const serviceNames = ({ named, home, systemFolder }: ServiceFiles): readonly string[] =>
  [named ?? join(home, '.pg_service.conf'), join(systemFolder ?? '/etc/postgresql-common', 'pg_service.conf')].flatMap(
    (file) =>
      existsSync(file) ? Array.from(readText(file).matchAll(/^\s*\[([^\]]+)\]/gm), ([, name = '']) => name) : [],
  )

const readText = (file: string): string => {
  try {
    return readNamedFile(file).toString('utf8')
  } catch (cause) {
    throw new OperatorError(
      'invalid_service_file',
      `the service file ${file} cannot be read: ${fileFailure(cause as Error)}`,
      {
        hint: 'correct PGSERVICEFILE, or servicefile in the URL',
        cause,
      },
    )
  }
}

/**
 * The settings of one service in a file with the format of pg_service.conf: `[name]`, `keyword=value` lines, `#` comments.
 * The first section of that name counts, and in it the first value of a keyword.
 */
export const parseServiceFile = (
  text: string,
  service: string,
  file: string,
): Readonly<Record<string, string>> | undefined => {
  let found: Record<string, string> | undefined
  let isInside = false
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const section = /^\[(.*)\]$/.exec(line)?.[1]
    if (section !== undefined) {
      isInside = section === service && found === undefined
      if (isInside) found = {}
    } else if (isInside && found !== undefined) {
      const [, keyword, value = ''] = /^([^\s=]+)\s*=\s*(.*)$/.exec(line) ?? []
      if (keyword === undefined || keyword === 'service')
        throw new OperatorError('invalid_service_file', `line ${index + 1} of ${file} is not keyword=value`)
      found[keyword] ??= value
    }
  }
  return found
}
