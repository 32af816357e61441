import { printable } from '../terminal/printable.js'

const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/?#@"']*:)([^\s@]+)(@)/gi
const KEYWORD_PASSWORD = /\b((?:pg)?password\s*[=:]\s*)('[^']*'|"[^"]*"|[^\s'"&,}]+)/gi

/** What hints show in place of a password. */
const PLACEHOLDER = 'password'

/** A shorter password would match inside ordinary words; in URLs it is found by its position. */
const SHORTEST_LITERAL = 4

/** Removes secrets from output. Applied to stdout and stderr as a whole, never at call sites. */
export type Redact = (text: string) => string

/**
 * @param secrets values that must not appear, as given; their URL-encoded, JSON-escaped, XML-escaped and printable forms are covered too
 * @param publicWords words that stay visible (user, database, host), even if a password is the same word
 */
export const createRedact = (secrets: readonly string[], publicWords: readonly string[] = []): Redact => {
  const literals = secrets
    .filter((secret) => secret.length >= SHORTEST_LITERAL && !publicWords.includes(secret))
    .flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      JSON.stringify(secret).slice(1, -1),
      escapeXml(secret),
      printable(secret),
    ])
    .sort((a, b) => b.length - a.length)
  return (text) => {
    const shaped = text
      .replace(URL_PASSWORD, (whole, before: string, value: string, after: string) =>
        value === PLACEHOLDER ? whole : `${before}***${after}`,
      )
      .replace(KEYWORD_PASSWORD, '$1***')
    return literals.reduce((rest, literal) => rest.replaceAll(literal, '***'), shaped)
  }
}

const XML_ENTITIES = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' } as const

const escapeXml = (text: string): string =>
  Object.entries(XML_ENTITIES).reduce((rest, [character, name]) => rest.replaceAll(character, `&${name};`), text)

/** Variables whose values are secrets, and URLs that may contain one. */
const SECRET_VARIABLES = ['PGPASSWORD', 'CHATKEEP_OPERATOR_SECRET']
const URL_VARIABLES = ['DATABASE_URL', 'DIRECT_URL']

/** The secrets in the environment and on the command line, found without parsing either. */
export const knownSecrets = (
  environment: Readonly<Record<string, string | undefined>>,
  argv: readonly string[],
): string[] => {
  const words = argv.flatMap((word) => word.split(/^--[a-z-]+=/))
  const urls = [...URL_VARIABLES.map((name) => environment[name]), ...words]
  const values = [
    ...SECRET_VARIABLES.map((name) => environment[name]),
    ...urls.map(passwordOf),
    ...words.flatMap(passwordsInString),
  ]
  return values.filter((value) => value !== undefined && value !== '') as string[]
}

// Deliberately wider than a URL parser: a URL too broken to parse must not show its password either.
const passwordOf = (url: string | undefined): string | undefined => {
  const raw = /^[a-z][a-z0-9+.-]*:\/*[^:/@\s]*:(.*)@/is.exec(url ?? '')?.[1]
  if (raw === undefined) return undefined
  try {
    return decodeURIComponent(raw)
  } catch {
    return raw
  }
}

// As wide: a string that lacks its last quote does not show its password either.
const passwordsInString = (text: string): readonly string[] =>
  Array.from(
    text.matchAll(/\b(?:ssl)?password\s*=\s*(?:'((?:[^'\\]|\\.)*)|((?:[^\s\\]|\\.)+))/gis),
    ([, quoted, plain]) => (quoted ?? plain ?? '').replace(/\\(.)/gs, '$1'),
  )
