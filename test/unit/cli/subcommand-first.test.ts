import { expect, test } from 'vitest'
import { subcommandFirst } from '../../../src/cli/subcommand-first.js'
import { commands } from '../../../src/commands/index.js'

const known = commands.map((create) => create(() => () => Promise.resolve()))
const arranged = (line: string): string => subcommandFirst(line.split(' '), known).join(' ')

test.for([
  ['verify --json', 'verify --json'],
  ['--json verify', 'verify --json'],
  ['-d crm verify --json', 'verify -d crm --json'],
  ['-dcrm verify', 'verify -dcrm'],
  ['--dbname=crm verify', 'verify --dbname=crm'],
  // A value may have the name of a command.
  ['-d verify migrate', 'migrate -d verify'],
  ['-d verify verify', 'verify -d verify'],
  // The next word would become the value of an option whose value is optional.
  ['--embedded replay chats.ndjson', 'replay chats.ndjson --embedded'],
  ['--embedded folder replay chats.ndjson', 'replay --embedded folder chats.ndjson'],
  ['--embedded --json replay -- -x', 'replay --json --embedded -- -x'],
  ['--embedded=folder replay x', 'replay --embedded=folder x'],
  ['--dry-run migrate', 'migrate --dry-run'],
  ['-h verify', 'verify -h'],
  ['--help', '--help'],
  ['--version', '--version'],
  // A mistake is reported by commander.
  ['--sinse verify', '--sinse verify'],
  ['--dry-run verify', 'verify --dry-run'],
  ['-d crm mertics', 'mertics -d crm'],
])('%s is %s', ([typed = '', expected]) => {
  expect(arranged(typed)).toBe(expected)
})

test.for(['-d crm', '-d verify', '--embedded --json'])('%s names no command', (typed) => {
  expect(() => arranged(typed)).toThrow('no command is named')
})
