import { describe, expect, test } from 'vitest'
import { COMMAND_GROUPS } from '../../../src/cli/flags.js'
import { TOPICS } from '../../../src/cli/help/topics/index.js'
import { commands } from '../../../src/commands/index.js'
import { CONNECTION_SETTINGS, UNSUPPORTED_SETTINGS } from '../../../src/database/target/settings.js'
import { ExitCode } from '../../../src/errors.js'
import { OUTPUT_FORMATS } from '../../../src/terminal/formats/index.js'
import { runChatkeep } from '../../support/chatkeep.js'

const all = commands.map((create) => create(() => () => Promise.resolve()))
const printed = async (...argv: readonly string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await runChatkeep(argv)
  expect([exitCode, stderr]).toEqual([0, ''])
  return stdout
}

describe('the help', () => {
  test.for(all.map((command) => command.name()))('of %s shows examples before its options', async (name) => {
    const headings = (await printed(name, '--help'))
      .split('\n')
      .filter((line) => /^[A-Z][a-z]+(?: [a-z]+)?:$/.test(line))
    expect(headings[0]).toBe('Examples:')
    expect(headings).toContain('General options:')
    expect(await printed('help', name)).toBe(await printed(name, '--help'))
  })

  test('of chatkeep has each command in a group, and fits one screen', async () => {
    const help = await printed('--help')
    expect(
      all.filter((command) => !Object.values(COMMAND_GROUPS).some((group) => group === command.helpGroup())),
    ).toEqual([])
    for (const command of all)
      expect(help).toMatch(new RegExp(`^  ${command.name()} +${command.summary().slice(0, 20)}`, 'm'))
    expect(help.split('\n').length).toBeLessThanOrEqual(50)
    expect(await printed('help')).toBe(help)
  })

  test('of every command that does something says --json, --quiet and --verbose', () => {
    const without = all.filter(
      ({ options }) => !['--json', '--quiet', '--verbose'].every((flag) => options.some((one) => one.long === flag)),
    )
    expect(without.map((command) => command.name())).toEqual(['completion', 'help'])
  })
})

describe('a help topic', () => {
  test.for(TOPICS.map(({ name }) => name))('%s is printed, and named by chatkeep --help', async (name) => {
    expect((await printed('help', name)).split('\n').filter((line) => line.length > 80)).toEqual([])
    expect(await printed('--help')).toContain(name)
    expect(await printed('help', '--help')).toContain(`chatkeep help ${name}`)
  })

  test('environment names every variable about the connection', async () => {
    const text = await printed('help', 'environment')
    const unsupported = Object.values(UNSUPPORTED_SETTINGS).flatMap((one) => ('variable' in one ? [one.variable] : []))
    const names = [...Object.values(CONNECTION_SETTINGS), ...unsupported].filter((name) => name !== undefined)
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([])
  })

  test('exit-codes names every exit code', async () => {
    const codes = Array.from((await printed('help', 'exit-codes')).matchAll(/^ {2}(\d+) /gm), ([, code]) =>
      Number(code),
    )
    expect(codes).toEqual(Object.values(ExitCode).toSorted((a, b) => a - b))
  })

  test('formats names every output format', async () => {
    const text = await printed('help', 'formats')
    expect(OUTPUT_FORMATS.filter(({ name }) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([])
  })
})

describe('a wrong word is answered with the one that was meant', () => {
  test.for<[string, string]>([
    ['mertics', 'did you mean metrics? chatkeep metrics --help'],
    ['-d crm mertics', 'did you mean metrics? chatkeep metrics --help'],
    ['mig', 'did you mean migrate? chatkeep migrate --help'],
    ['metrics --sinse=1d', 'did you mean --since? chatkeep metrics --help'],
    ['rollback --conf crm', 'did you mean --confirm? chatkeep rollback --help'],
    ['--jsn verify', 'did you mean --json? chatkeep verify --help'],
    ['verify --format jnit', 'did you mean junit? chatkeep verify --help'],
    ['completion fishh', 'did you mean fish? chatkeep completion --help'],
    ['help envirnment', 'did you mean environment? chatkeep help environment'],
    ['help rolback', 'did you mean rollback? chatkeep help rollback'],
    ['explain index_invald', 'did you mean index_invalid? chatkeep explain index_invalid'],
    ['help nothing-like-it', 'chatkeep help'],
    ['nothing-like-it', 'chatkeep --help'],
  ])('%s: %s', async ([line, hint]) => {
    const { exitCode, stdout, stderr } = await runChatkeep(line.split(' '))
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^error: /)
    expect(stderr.split('\n').at(-2)).toBe(`hint: ${hint}`)
  })
})
