import { readFile } from 'node:fs/promises'
import { describe, expect, test } from '../../support/database.js'
import { query, test as serverTest } from '../../support/embedded-servers.js'
import { CAUSES, type Cause } from '../../support/exit-codes/causes.js'
import { COMMANDS, runCommand, type Access, type Command } from '../../support/exit-codes/commands.js'
import { withCause } from '../../support/exit-codes/with-cause.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { startStandby } from '../../support/standby.js'
import { SHOP } from '../../support/transcript.js'

/** A dry run ends as its command does, so the table has one column for both. */
const COLUMNS = COMMANDS.filter((command) => !command.endsWith('--dry-run'))

type Codes = Readonly<Partial<Record<Command, number>>>

const codesOf = async (
  access: Access,
  { without = [], flags = () => [], says = /(?:)/ }: Partial<Cause>,
): Promise<Codes> => {
  const codes: Partial<Record<Command, number>> = {}
  for (const command of COMMANDS.filter((one) => !without.includes(one))) {
    const { exitCode, stderr } = await runCommand(command, access, flags(command))
    if (exitCode !== 0) expect(stderr, command).toMatch(says)
    codes[command] = exitCode
  }
  return codes
}

const rowOf = (title: string, codes: Codes): string =>
  `| ${[title, ...COLUMNS.map((command) => codes[command] ?? '-')].join(' | ')} |`

/** The rows of the table in the docs, without its padding. */
const rowsInDocs = async (): Promise<readonly string[]> => {
  const text = await readFile('docs/operations.md', 'utf8')
  const [, section = ''] = text.split('## Exit codes by cause\n')
  const lines =
    section
      .split('\n## ')[0]
      ?.split('\n')
      .filter((line) => line.startsWith('|')) ?? []
  return lines.slice(2).map((line) => line.replaceAll(/ +/g, ' ').replaceAll('`', ''))
}

const expectInDocs = async (title: string, codes: Codes): Promise<void> => {
  expect(await rowsInDocs()).toContain(rowOf(title, codes))
  for (const command of ['migrate', 'rollback'] as const) {
    const dryRun = codes[`${command} --dry-run`]
    if (dryRun !== undefined) expect(dryRun, `${command} --dry-run`).toBe(codes[command])
  }
}

describe('the exit code follows from the cause, whatever the command', () => {
  test.for(CAUSES.map((cause) => [cause.title, cause] as const))('%s', async ([title, cause], { database }) => {
    await withCause(cause, database, async (access) => {
      await expectInDocs(title, await codesOf(access, cause))
    })
  })

  serverTest('standby', async ({ embedded }) => {
    const standby = await startStandby(embedded, async (primary) => {
      await query(primary.url('postgres'), 'CREATE DATABASE crm')
      await runChatkeep(['migrate', '--yes', '--create-tables', '--database-url', primary.url('crm')])
      await query(
        primary.url('crm'),
        `INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType") VALUES ('a guest', 'CLIENT', 'TEXT')`,
      )
    })
    await expectInDocs('standby', await codesOf({ url: standby.url('crm') }, {}))
    const lost = await runChatkeep(['replay', SHOP, '--check-only', '--json', '--database-url', standby.url('crm')])
    expect(lost.exitCode).toBe(3)
    expect(JSON.parse(lost.stdout)).toMatchObject({ error: { code: 'read_from_standby' } })
  })

  test('the table has no other rows', async () => {
    const titles = (await rowsInDocs()).map((row) => row.split(' | ')[0]?.replace('| ', ''))
    expect(titles.toSorted()).toEqual([...CAUSES.map(({ title }) => title), 'standby'].toSorted())
  })
})
