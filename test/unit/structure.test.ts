import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { EFFECTS } from '../../src/migrations/effects.js'
import { migrationTitle, readMigrationFiles, shippedMigrations } from '../../src/migrations/files.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const src = join(root, 'src')

interface Import {
  readonly file: string
  /** Path below src without ending, or the name of a package. */
  readonly target: string
  readonly isPackage: boolean
  readonly typeOnly: boolean
}

const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))

const importsOf = (path: string): readonly Import[] => {
  const text = readFileSync(path, 'utf8')
  const found = text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/gm)
  return Array.from(found, ([, type, fixed, lazy]) => {
    const specifier = fixed ?? lazy ?? ''
    const isPackage = !specifier.startsWith('.')
    return {
      file: relative(src, path),
      target: isPackage
        ? packageName(specifier)
        : relative(src, resolve(dirname(path), specifier)).replace(/\.js$/, ''),
      isPackage,
      typeOnly: type !== undefined,
    }
  })
}

const packageName = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

const imports = filesBelow(src).flatMap(importsOf)
const folderOf = (path: string): string => (path.includes('/') ? (path.split('/')[0] ?? '') : path.replace(/\.ts$/, ''))

// Which folder may import from which; each may import from itself, and all from these two leaves.
const LEAVES = ['errors', 'package-root']
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  main: ['program', 'cli'],
  program: ['commands', 'cli'],
  commands: ['cli', 'demo', 'verify', 'metrics', 'migrations', 'replay', 'server', 'persistence', 'database'],
  cli: ['database'],
  demo: ['migrations', 'database'],
  verify: ['migrations', 'persistence', 'database'],
  metrics: ['persistence', 'database'],
  migrations: ['persistence', 'database'],
  replay: ['client', 'server', 'persistence', 'database'],
  client: ['database'],
  server: ['persistence', 'database'],
  persistence: ['database'],
  database: [],
  index: ['client', 'persistence', 'server', 'replay'],
}

describe('the house', () => {
  test('lets imports run one way', () => {
    const wrong = imports
      .filter(({ isPackage }) => !isPackage)
      .filter(({ file, target }) => {
        const [from, to] = [folderOf(file), folderOf(target)]
        return from !== to && !LEAVES.includes(to) && !(ALLOWED[from] ?? []).includes(to)
      })
      .map(({ file, target }) => `${file} -> ${target}`)
    expect(imports.length).toBeGreaterThan(200)
    expect(wrong).toEqual([])
  })

  test('lets no command import another', () => {
    const names = filesBelow(join(src, 'commands')).map((path) => relative(src, path).replace(/\.ts$/, ''))
    const wrong = imports
      .filter(
        ({ file, target }) => file.startsWith('commands/') && file !== 'commands/index.ts' && names.includes(target),
      )
      .map(({ file, target }) => `${file} -> ${target}`)
    expect(wrong).toEqual([])
  })

  test.for([
    ['pg', /^(database|demo|persistence|migrations|verify|metrics|replay)\//],
    ['postgres-migrations', /^migrations\//],
    ['commander', /^$/],
    ['@commander-js/extra-typings', /^(program\.ts|cli\/|commands\/)/],
    ['chalk', /^cli\//],
    ['cli-table3', /^cli\//],
    ['socket.io', /^server\//],
    ['socket.io-client', /^client\//],
    ['socket.io-adapter', /^server\//],
    ['pino', /^server\//],
    ['@mrleebo/prisma-ast', /^verify\//],
    ['diff', /^verify\//],
    ['zod', /^(cli|client|database|persistence|replay|server)\//],
  ] as const)('keeps %s where it belongs', ([name, allowed]) => {
    const wrong = imports.filter(({ target, isPackage, file }) => isPackage && target === name && !allowed.test(file))
    expect(wrong.map(({ file }) => file)).toEqual([])
  })

  test('writes no SQL in commands and cli', () => {
    const wrong = [...filesBelow(join(src, 'commands')), ...filesBelow(join(src, 'cli'))].filter((path) =>
      /\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|ALTER TABLE|CREATE (TABLE|INDEX))\b\s+\S+\s+(FROM|SET|VALUES|\()/.test(
        readFileSync(path, 'utf8'),
      ),
    )
    expect(wrong).toEqual([])
  })

  test('has no cycle of imports', () => {
    const edges = new Map<string, string[]>()
    for (const { file, target, isPackage, typeOnly } of imports) {
      if (isPackage || typeOnly) continue
      const from = file.replace(/\.ts$/, '')
      edges.set(from, [...(edges.get(from) ?? []), target])
    }
    const done = new Set<string>()
    const cycles: string[] = []
    const visit = (node: string, path: readonly string[]): void => {
      if (path.includes(node)) cycles.push([...path.slice(path.indexOf(node)), node].join(' -> '))
      if (path.includes(node) || done.has(node)) return
      for (const next of edges.get(node) ?? []) visit(next, [...path, node])
      done.add(node)
    }
    for (const node of edges.keys()) visit(node, [])
    expect(cycles).toEqual([])
  })

  test('knows console and process only in main.ts', () => {
    const prose = /\/\/.*|\/\*[\s\S]*?\*\/|'[^'\n]*'/g
    const own = /\b(?:const|let|process:) process\b|[{,] process\b/
    const wrong = filesBelow(src).filter((path) => {
      const code = readFileSync(path, 'utf8').replace(prose, '')
      return !path.endsWith('main.ts') && /\bconsole\.|(?<!\.)\bprocess\.|globalThis/.test(code) && !own.test(code)
    })
    expect(wrong).toEqual([])
  })
})

describe('a list is complete', () => {
  const listed = (folder: string): readonly [readonly string[], readonly string[]] => {
    const index = readFileSync(join(src, folder, 'index.ts'), 'utf8')
    return [
      readdirSync(join(src, folder))
        .filter((name) => name !== 'index.ts')
        .map((name) => name.replace(/\.ts$/, '')),
      Array.from(index.matchAll(/from '\.\/([^']+)\.js'/g), ([, name]) => name ?? ''),
    ]
  }

  test('of the subcommands', () => {
    const [files, inIndex] = listed('commands')
    expect([...inIndex].sort()).toEqual([...files].sort())
  })

  test.for(['verify', 'metrics'])('of what %s looks at', (folder) => {
    const named = /export const \w+: (?:Fact|Data)?(?:Check|Metric)\b/
    const files = filesBelow(join(src, folder)).filter((path) => named.test(readFileSync(path, 'utf8')))
    const index = readFileSync(join(src, folder, 'index.ts'), 'utf8')
    const missing = files.filter(
      (path) => !index.includes(`./${relative(join(src, folder), path).replace(/\.ts$/, '.js')}`),
    )
    expect(files.length).toBeGreaterThan(2)
    expect(missing).toEqual([])
  })

  test('of the benchmarks', () => {
    const folder = join(root, 'test', 'bench', 'scenarios')
    const files = filesBelow(folder).filter((path) => /export const \w+: Scenario\b/.test(readFileSync(path, 'utf8')))
    const index = readFileSync(join(folder, 'index.ts'), 'utf8')
    expect(files.length).toBeGreaterThan(2)
    expect(files.filter((path) => !index.includes(`./${relative(folder, path).replace(/\.ts$/, '.js')}`))).toEqual([])
  })

  test('of the migrations: each says what it leaves behind and has its way back', async () => {
    const files = (await readMigrationFiles(shippedMigrations())).filter(({ id }) => id > 0)
    expect(EFFECTS.map(({ migration }) => migration)).toEqual(files.map(({ name }) => name))
    const twins = readdirSync(join(shippedMigrations(), 'rollback')).map((name) => name.replace(/\.sql$/, ''))
    // The first one made the application's own tables, which are never taken away.
    expect(twins.sort()).toEqual(
      files
        .filter(({ id }) => id > 1)
        .map(migrationTitle)
        .sort(),
    )
  })
})
