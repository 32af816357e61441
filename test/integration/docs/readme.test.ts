import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { demoTranscript } from '../../../src/demo/chats.js'
import { OperatorError } from '../../../src/index.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { maskVarying, readConsoleBlocks, readmePath } from '../../support/readme.js'

/** Runs the block's command and gives back what a terminal would show, with the test's database called crm. */
const play = async (argv: readonly string[], database: TestDatabase, cwd: string): Promise<string> => {
  let screen = ''
  const add = (text: string): void => {
    screen += text
  }
  const interruption = new AbortController()
  await runChatkeep(
    argv.map((word) => (word === 'crm' ? database.name : word)),
    {
      cwd,
      env: { DATABASE_URL: database.url },
      signal: interruption.signal,
      onStderr: add,
      onStdout: (text) => {
        add(text)
        // The one command that goes on after its answer.
        if (text.startsWith('listening'))
          interruption.abort(new OperatorError('interrupted', 'ended by SIGINT', { exitCode: 130 }))
      },
    },
  )
  return withoutServerWarnings(screen.replaceAll(database.name, 'crm'))
}

// The tests' own server waits for no disk, for speed, and verify says so; a reader's does.
const withoutServerWarnings = (screen: string): string => {
  const rest = screen.replace(/warning (?:fsync|full_page_writes)_off: .*\n(?: {2}.*\n)+\n/g, '')
  if (rest === screen) return screen
  const other = /^(?:error|warning|note) (\w+): /m.exec(rest)?.[1]
  return (
    rest
      .replace(/(?<=chatkeep explain )fsync_off(?=\n)/, other ?? '')
      .replace(/More on a finding: chatkeep explain \n\n/, '')
      .replace(/, (\d) warnings/, (_whole, n) => `, ${Number(n) - 2} warning${n === '3' ? '' : 's'}`)
      // Where no warning is left, verify names no next step.
      .replace(/^(ok: .*, 0 warnings.*)\. Next: .*/m, '$1')
  )
}

/** The models of an application that does not know of guests yet. */
const modelsOfBefore = async (): Promise<string> => {
  const text = await readFile(new URL('../../support/fixtures/healthy.prisma', import.meta.url), 'utf8')
  return text
    .replace(/^ {2}(guestUnverified|idempotencyKey|guestPhone).*\n/gm, '')
    .replace('clientId        Int?', 'clientId        Int')
    .replace('Client? ', 'Client  ')
}

describe('the README', () => {
  test('shows what its commands print', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const cwd = await mkdtemp(join(tmpdir(), 'chatkeep-readme-'))
    await writeFile(join(cwd, 'chats.ndjson'), demoTranscript())
    await writeFile(join(cwd, 'schema.prisma'), await modelsOfBefore())
    let text = await readFile(readmePath, 'utf8')
    const blocks = await readConsoleBlocks()
    expect(blocks.length).toBeGreaterThan(10)
    for (const { argv, screen, source } of blocks) {
      const actual = await play(argv, database, cwd)
      text = text.replace(source, () => `\`\`\`console\n$ chatkeep ${argv.join(' ')}\n${actual}\`\`\``)
      if (process.env.UPDATE_README === undefined) {
        expect(maskVarying(actual), `chatkeep ${argv.join(' ')} (UPDATE_README=1 writes what is true now)`).toBe(
          maskVarying(screen),
        )
      }
    }
    if (process.env.UPDATE_README !== undefined) await writeFile(readmePath, text)
    await rm(cwd, { recursive: true })
  })
})
