import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hasValues, valueName } from '../../../src/cli/completion/source.js'
import { splitLine } from '../../../src/cli/completion/split-line.js'
import { commands } from '../../../src/commands/index.js'
import { runChatkeep } from '../../support/chatkeep.js'

const all = commands.map((create) => create(() => () => Promise.resolve()))

const offered = async (shell: string, words: readonly string[], env = {}): Promise<readonly string[]> => {
  const { exitCode, stdout, stderr } = await runChatkeep(['complete', shell, '--', ...words], { env })
  expect([exitCode, stderr]).toEqual([0, ''])
  const [kind = '', ...lines] = stdout.trimEnd().split('\n')
  return kind === 'words' ? lines.map((line) => line.replace(/\t.*/, '')) : [kind]
}

describe('a shell is offered', () => {
  const names = all.map((command) => command.name())
  test.for<[string, readonly string[]]>([
    ['', names],
    ['m', ['migrate', 'metrics']],
    ['-d crm ver', ['verify']],
    ['-d verify ver', ['verify']],
    ['replay ', ['files']],
    ['replay --env-file ', ['files']],
    ['replay --env-file=.e', ['files']],
    ['migrate --migrations ', ['folders']],
    ['--embedded ', ['folders']],
    ['migrate --sql ', ['statements', 'transaction']],
    ['verify --format=j', ['--format=json', '--format=junit']],
    ['verify --fail-on w', ['warning']],
    ['verify --schema ', []],
    ['verify --json=', []],
    ['explain index_inv', ['index_invalid']],
    ['completion ', ['bash', 'zsh', 'fish', 'powershell']],
    ['completion bash ', []],
    ['help env', ['environment']],
    ['help roll', ['rollback']],
    ['rollback --on', ['--on-orphans']],
    ['rollback --on-orphans abort --on', []],
    ['replay x -- --', []],
    ['completion -', ['--help']],
    ['--env', ['--env-file']],
    ['--dry', []],
    ['--no-color ver', ['verify']],
    ['mertics ', names],
  ])('after "%s": %j', async ([line, expected]) => {
    expect(
      await offered('zsh', line.split(' ')).then((words) => words.map((word) => `${prefixOf(line)}${word}`)),
    ).toEqual(expected)
  })
  // zsh keeps what is before the value.
  const prefixOf = (line: string): string => / (--[a-z-]+=)j$/.exec(line)?.[1] ?? ''

  test('the services of the service file, and nothing of a server that asks for a password or does not answer', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'chatkeep-services-'))
    await writeFile(join(folder, 'services'), '[crm]\nhost=db\n# [no]\n[staging]\nhost=db2\n')
    const env = { HOME: folder, PGSERVICEFILE: join(folder, 'services'), PGHOST: '127.0.0.1', PGPORT: '1' }
    expect(await offered('fish', ['verify', '-d', ''], env)).toEqual(['service=crm', 'service=staging'])
    expect(await offered('bash', ['chatkeep verify -d service=s'], env)).toEqual(['staging'])
    await rm(folder, { recursive: true })
  })

  test('words without the part that the shell keeps', async () => {
    expect(await offered('bash', ['chatkeep verify --format=j'])).toEqual(['json', 'junit'])
    expect(await offered('fish', ['verify', '--format=j'])).toEqual(['--format=json', '--format=junit'])
    expect(await offered('powershell', ['verify', '--format', '=j'])).toEqual(['json', 'junit'])
    expect(await offered('powershell', ['='])).toEqual(names)
  })
})

test.for<[string, readonly string[]]>([
  ['chatkeep ', ['chatkeep', '']],
  ['chatkeep mig', ['chatkeep', 'mig']],
  [`a 'b c' "d \\" e"f g\\ h`, ['a', 'b c', 'd " ef', 'g h']],
  [`a "b 'c`, ['a', "b 'c"]],
  [`a 'b "c`, ['a', 'b "c']],
  ['a b\\ ', ['a', 'b ']],
  ['', ['']],
])('the line %j has the words %j', ([line, words]) => {
  expect(splitLine(line)).toEqual(words)
})

/** Values that nobody can know, or that need a database and would have to ask for a password. */
const UNKNOWN = [
  'address',
  'age',
  'database',
  'duration',
  'end',
  'hash',
  'host:port',
  'interval',
  'migration',
  'name',
  'number',
  'origin',
  'role',
  'size',
  'speed',
  'start',
  'url',
]

test('every value of a flag or argument is completed, or known as one that cannot be', () => {
  const values = all.flatMap((command) => [
    ...command.options.filter(({ required, optional }) => required || optional),
    ...command.registeredArguments,
  ])
  expect(new Set(values.filter((item) => !hasValues(item)).map(valueName))).toEqual(new Set(UNKNOWN))
})
