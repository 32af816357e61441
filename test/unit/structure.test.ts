import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commands } from '../../src/commands/index.js'
import { FACES } from '../../src/metrics/faces/index.js'
import { metrics } from '../../src/metrics/index.js'
import { EFFECTS } from '../../src/migrations/ledger/effects.js'
import { BASE_MIGRATION } from '../../src/migrations/ledger/migration-names.js'
import { migrationTitle, readMigrationFiles, shippedMigrations } from '../../src/migrations/ledger/migration-files.js'
import { LIMITS } from '../../src/server/protection/limits.js'
import { OUTPUT_FORMATS } from '../../src/terminal/formats/index.js'
import { TRANSCRIPT_FORMATS } from '../../src/transcripts/formats/index.js'
import { checks } from '../../src/verify/checks/index.js'
import { scenarios } from '../bench/scenarios/index.js'
import { repository } from '../support/chatkeep-process.js'
import {
  circles,
  crowdedFolders,
  filesBelow,
  forbiddenImports,
  innerRoomOf,
  packagesLoadedBy,
  readImports,
  roomOf,
  src,
  strayPackages,
  unusedDirections,
  type Directions,
  type Import,
} from '../support/source-tree.js'

const imports = readImports()

/** Rooms without a direction of their own: everybody may use them, they use nobody. */
const LEAVES = [
  'shell-word',
  'next-step',
  'errors',
  'invalid-call',
  'check-options',
  'closable',
  'file-reason',
  'file-lock',
  'found-file',
  'private-file',
  'read-named-file',
  'package-root',
  'application-callback',
  'chat-log',
  'rare-log',
  'collections',
  'concurrency',
  'terminal',
]

const DIRECTIONS: Directions = {
  main: {
    program: 'the real process runs the program',
    cli: 'its streams and signals have the types of the command line',
  },
  program: {
    commands: 'it registers the list of subcommands',
    cli: 'it runs them and reports their errors',
  },
  commands: {
    cli: 'flags, and the context of a run',
    demo: 'demo calls one function',
    doctor: 'doctor calls one function',
    erasure: 'retain, erase and export call one function each',
    metrics: 'metrics calls one function',
    migrations: 'migrate and rollback call one function each',
    persistence: 'reconcile calls one function',
    replay: 'replay calls one function',
    server: 'serve starts the server',
    status: 'status calls one function',
    verify: 'verify and explain call one function each',
  },
  cli: { database: 'finds and names the database' },
  demo: {
    database: 'fills the database of the tour',
    migrations: "makes the application's tables of the tour",
  },
  verify: {
    migrations: 'compares the database with files, history and effects',
    persistence: 'compares it with the shape that the core needs',
    database: 'reads catalog and settings',
  },
  status: {
    verify: 'the verdict on the update is part of it',
    persistence: 'names of the tables and columns',
    database: 'reads tables and the views of the server',
  },
  doctor: {
    verify: 'makes the checks of the server, and reports as verify does',
    migrations: 'asks whether migrate and rollback could run',
    persistence: 'asks whether the store could run',
    database: 'connects, and reads settings and role',
  },
  erasure: {
    persistence: 'deletes as the store does',
    transcripts: 'an export is a recording, and a recording loses a person',
    journal: 'a journal loses a person, under its lock',
    database: 'runs and watches batches, and waits for standbys',
  },
  metrics: {
    persistence: 'names of the tables and columns',
    database: 'reads in one snapshot',
  },
  migrations: {
    persistence: 'names and shape of the tables; a rollback stores names as the core does',
    database: 'runs and watches statements',
  },
  replay: {
    client: 'sends through a chat server',
    server: 'starts a chat server when none is named',
    journal: 'replays what a journal holds',
    transcripts: 'replays what a transcript holds',
    protocol: 'expects the keys and conversations that the server makes',
    persistence: 'sends through the store, and reads back what it kept',
    database: 'reads back, and names the target',
  },
  client: {
    database: 'errors of a connection, which are the same for a socket',
    protocol: 'what an error code means',
  },
  server: {
    protocol: 'speaks it',
    journal: 'keeps messages while the database is unavailable',
    transcripts: 'records what it keeps',
    persistence: 'keeps messages',
    metrics: 'shows what the database holds to a scraper',
    database: 'listens to other servers on the same database, and checks it at the start',
  },
  journal: { persistence: 'an entry is a message of the core' },
  transcripts: { persistence: 'a line is checked by the rules of the core' },
  protocol: { persistence: 'a payload becomes a message of the core' },
  persistence: { database: 'connections, transactions, SQLSTATE' },
  'start-chat-server': { server: 'starts it; loaded by the first call' },
  'attach-chat-server': { server: 'attaches it; loaded by the first call' },
  index: {
    'http-status': 'the public API',
    client: 'the public API',
    persistence: 'the public API',
    'start-chat-server': 'the public API',
    'attach-chat-server': 'the public API',
    server: 'types of the public API',
  },
}

/** Some imports of made-up files, to see each rule fail. */
const made = (...pairs: readonly (readonly [string, string])[]): readonly Import[] =>
  pairs.map(([file, target]) => ({ file, target, isPackage: !target.includes('.ts') }))

describe('the house', () => {
  test('lets imports run one way, each direction with its reason', () => {
    expect(imports.length).toBeGreaterThan(200)
    expect(forbiddenImports(imports, DIRECTIONS, LEAVES)).toEqual([])
    const upward = made(['persistence/a.ts', 'server/b.ts'], ['server/b.ts', 'persistence/a.ts'])
    expect(forbiddenImports(upward, DIRECTIONS, LEAVES)).toEqual(['persistence/a.ts -> server/b.ts'])
    expect(forbiddenImports(made(['terminal/a.ts', 'cli/b.ts']), DIRECTIONS, LEAVES)).toHaveLength(1)
  })

  test('has no direction that nothing uses', () => {
    expect(unusedDirections(imports, DIRECTIONS)).toEqual([])
    expect(unusedDirections([], { a: { b: 'once' } })).toEqual(['a -> b'])
  })

  test('has no circle of files', () => {
    expect(circles(imports)).toEqual([])
    const circle = made(['a/one.ts', 'a/two.ts'], ['a/two.ts', 'a/one.ts'])
    expect(circles(circle)).toEqual(['a/one.ts -> a/two.ts -> a/one.ts'])
  })

  test('has no circle of rooms, nor of the folders inside a room', () => {
    expect(circles(imports, roomOf)).toEqual([])
    expect(circles(imports, innerRoomOf)).toEqual([])
    const apart = made(['a/x/one.ts', 'a/y/two.ts'], ['a/y/three.ts', 'a/root.ts'], ['a/root.ts', 'a/x/four.ts'])
    expect(circles(apart)).toEqual([])
    expect(circles(apart, innerRoomOf)).toEqual(['a/x -> a/y -> a/root.ts -> a/x'])
  })

  test('has no flat drawer', () => {
    const paths = filesBelow(src).map((path) => relative(src, path))
    expect(crowdedFolders(paths, 30)).toEqual([])
    expect(crowdedFolders(['a/b/c.ts', 'a/b/d.ts', 'a/e.ts'], 1)).toEqual(['a/b: 2'])
  })

  test('lets no command import another', () => {
    const isCommand = (path: string): boolean => path.startsWith('commands/') && path !== 'commands/index.ts'
    const wrong = imports.filter(({ file, target }) => isCommand(file) && isCommand(target))
    expect(wrong).toEqual([])
  })

  test('lets each command load one file when it runs', () => {
    const counts = filesBelow(join(src, 'commands')).map((path) => {
      const loaded = Array.from(readFileSync(path, 'utf8').matchAll(/\bimport\('([^']+)'\)/g), ([, file]) => file)
      return [relative(src, path), new Set(loaded).size] as const
    })
    expect(counts.filter(([, files]) => files > 1)).toEqual([])
  })

  test.for([
    ['pg', /^(database|demo|persistence|migrations|verify|metrics|replay)\//],
    ['postgres-migrations', /^migrations\//],
    ['commander', /^$/],
    ['@commander-js/extra-typings', /^(program\.ts|cli\/|commands\/)/],
    ['chalk', /^terminal\//],
    ['cli-table3', /^terminal\//],
    ['socket.io', /^server\//],
    ['socket.io-client', /^client\//],
    ['socket.io-adapter', /^server\/cluster\//],
    ['pino', /^server\//],
    ['@bufbuild/protobuf', /^server\/metrics\//],
    ['@opentelemetry/api-1.4', /^persistence\/trace-save\.ts$/],
    ['@mrleebo/prisma-ast', /^verify\/models\//],
    ['diff', /^migrations\/ledger\//],
    ['libpg-query', /^migrations\/ledger\//],
    ['csv-stringify', /^metrics\/faces\//],
    ['prom-client', /^(metrics\/faces|server)\//],
    ['@humanwhocodes/momoa', /^metrics\/thresholds\//],
    ['zod', /^(cli|client|database|journal|metrics|persistence|protocol|replay|server|status|transcripts)\//],
    ['markdown-it', /^verify\/guide\//],
  ] as const)('keeps %s where it belongs', ([name, allowed]) => {
    expect(imports.some(({ target }) => target === name)).toBe(name !== 'commander')
    expect(strayPackages(imports, name, allowed)).toEqual([])
    expect(strayPackages(made(['main.ts', name]), name, allowed)).toEqual(['main.ts'])
  })

  test('loads no package for --version, and commander alone for --help and completion', () => {
    expect(packagesLoadedBy('main.ts')).toEqual([])
    expect(packagesLoadedBy('program.ts')).toEqual(['@commander-js/extra-typings'])
    expect(packagesLoadedBy('cli/create-context.ts')).toContain('chalk')
  })

  test('loads for the library what the store needs, and for the client nothing before it connects', () => {
    expect(packagesLoadedBy('index.ts').toSorted()).toEqual(['@opentelemetry/api-1.4', 'pg', 'zod'])
    expect(packagesLoadedBy('client/index.ts')).toEqual([])
  })

  test('writes no SQL in commands and cli', () => {
    const wrong = [...filesBelow(join(src, 'commands')), ...filesBelow(join(src, 'cli'))].filter((path) =>
      /\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|ALTER TABLE|CREATE (TABLE|INDEX))\b\s+\S+\s+(FROM|SET|VALUES|\()/.test(
        readFileSync(path, 'utf8'),
      ),
    )
    expect(wrong).toEqual([])
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
  /** What the files below a folder export, but for its index: names and values. */
  const exportsBelow = async (folder: string): Promise<readonly (readonly [string, unknown])[]> => {
    const files = filesBelow(folder).filter((path) => path !== join(folder, 'index.ts'))
    const modules = await Promise.all(files.map((path) => import(path) as Promise<Record<string, unknown>>))
    return modules.flatMap((module) => Object.entries(module))
  }
  const hasMembers =
    (...members: readonly string[]) =>
    (value: unknown): boolean =>
      typeof value === 'object' && value !== null && members.every((member) => member in value)

  test.for([
    ['checks', join(src, 'verify', 'checks'), checks, hasMembers('expectations', 'explanations')],
    ['metrics', join(src, 'metrics'), metrics, hasMembers('select', 'window')],
    ['transcript formats', join(src, 'transcripts', 'formats'), TRANSCRIPT_FORMATS, hasMembers('recognise')],
    ['output formats', join(src, 'terminal', 'formats'), OUTPUT_FORMATS, hasMembers('answer', 'error')],
    ['faces of the metrics', join(src, 'metrics', 'faces'), FACES, hasMembers('show', 'summary')],
    ['benchmarks', join(repository, 'test', 'bench', 'scenarios'), scenarios, hasMembers('run', 'summary')],
  ] as const)('of the %s', async ([, folder, list, isOne]) => {
    const found = (await exportsBelow(folder)).filter(([, value]) => isOne(value))
    expect(found.length).toBeGreaterThan(2)
    expect(found.filter(([, value]) => !(list as readonly unknown[]).includes(value)).map(([name]) => name)).toEqual([])
  })

  test('of the subcommands', async () => {
    const found = (await exportsBelow(join(src, 'commands'))).filter(([name]) => name.endsWith('Command'))
    expect(found.length).toBeGreaterThan(5)
    expect(new Set(commands)).toEqual(new Set(found.map(([, command]) => command)))
  })

  test('of the generated pages', () => {
    const folder = join(repository, 'test', 'support', 'docs', 'generated')
    const index = readFileSync(join(folder, 'index.ts'), 'utf8')
    const list = /export const generated.*$/s.exec(index)?.[0] ?? ''
    const names = filesBelow(folder).flatMap((path) =>
      Array.from(
        readFileSync(path, 'utf8').matchAll(/^export const (\w+)(?:: Generated\b| = \(\): readonly Generated\[\])/gm),
        ([, name = '']) => name,
      ),
    )
    expect(names.length).toBeGreaterThan(3)
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(list))).toEqual([])
  })

  test('of the limits: each is read by what enforces it', () => {
    const code = filesBelow(join(src, 'server'))
      .filter((path) => !path.endsWith('limits.ts'))
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n')
    expect(Object.keys(LIMITS).filter((name) => !new RegExp(`\\b${name}\\b`).test(code))).toEqual([])
  })

  test('of the migrations: each has an effect and a rollback file', async () => {
    const files = (await readMigrationFiles(shippedMigrations())).filter(({ id }) => id > 0)
    expect(EFFECTS.map(({ migration }) => migration)).toEqual(files.map(({ name }) => name))
    const twins = readdirSync(join(shippedMigrations(), 'rollback')).map((name) => name.replace(/\.sql$/, ''))
    // The base migration creates the application's own tables, which no rollback drops.
    expect(twins.sort()).toEqual(
      files
        .filter(({ id }) => id > BASE_MIGRATION)
        .map(migrationTitle)
        .sort(),
    )
  })
})
