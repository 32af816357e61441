import { RELEASES } from './versions.js'

/** Tests that depend on the server's release: SQL, catalogs, locks, error codes, plans. */
const DATABASE_TESTS = ['migrations/', 'verify/', 'persistence/', 'metrics/', 'replay/', 'database/pooler', 'cli/'].map(
  (name) => `test/integration/${name}`,
)

export interface MatrixOptions {
  readonly versions: readonly string[]
  /** Filters for vitest: parts of file paths; all files when empty. */
  readonly files: readonly string[]
}

export const USAGE = `usage: npm run test:matrix [-- [VERSION]… [--all | FILE…]]

  VERSION  ${[...RELEASES.keys()].join(', ')}; all of them when none is named
  FILE     part of the path of a test, such as test/integration/migrations; the tests of the database when none is named
  --all    every test (those of the embedded server itself always use its own version)`

/** Reads the command line. @returns undefined when it is invalid */
export const parseOptions = (argv: readonly string[]): MatrixOptions | undefined => {
  const versions = argv.filter((word) => /^\d+$/.test(word))
  const all = argv.includes('--all')
  const files = argv.filter((word) => !versions.includes(word) && word !== '--all')
  const isClear = versions.every((version) => RELEASES.has(version)) && files.every((file) => !file.startsWith('-'))
  if (!isClear || (all && files.length > 0)) return undefined
  return {
    versions: versions.length === 0 ? [...RELEASES.keys()] : versions,
    files: all || files.length > 0 ? files : DATABASE_TESTS,
  }
}
