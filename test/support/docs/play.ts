import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { demoTranscript } from '../../../src/demo/chats.js'
import { OperatorError } from '../../../src/errors.js'
import { runChatkeep } from '../chatkeep.js'
import type { TestDatabase } from '../database.js'

/** Puts the files that the pages' commands name into the folder in which they run. */
export const writeExampleFiles = async (folder: string): Promise<void> => {
  await writeFile(join(folder, 'chats.ndjson'), demoTranscript())
  await writeFile(join(folder, 'schema.prisma'), await modelsOfBefore())
  await copyFile(new URL('../fixtures/guide.md', import.meta.url), join(folder, 'guide.md'))
}

/** The models of an application that does not know of guests yet. */
const modelsOfBefore = async (): Promise<string> => {
  const text = await readFile(new URL('../fixtures/healthy.prisma', import.meta.url), 'utf8')
  return text
    .replace(/^ {2}(guestUnverified|idempotencyKey|guestPhone).*\n/gm, '')
    .replace('clientId        Int?', 'clientId        Int')
    .replace('Client? ', 'Client  ')
}

/** Runs a page's command and gives back what a terminal would show, with the test's database called crm and the usual addresses. */
export const play = async (argv: readonly string[], database: TestDatabase, cwd: string): Promise<string> => {
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
  return withoutServerWarnings(withUsualAddresses(withoutPauses(screen.replaceAll(database.name, 'crm'))))
}

// On a busy machine a run shows how far it is, and that it goes on after it did not get a processor for a while.
const withoutPauses = (screen: string): string =>
  screen.replace(/^(?:\w+ goes on after |sending: |reading back: ).*\n/gm, '')

// A page shows one database and one chat server, at their usual ports.
const withUsualAddresses = (screen: string): string =>
  screen
    .replace(/\bcrm on \S+ as [^\s,]+/g, 'crm on 127.0.0.1:5432 as postgres')
    .replace(/http:\/\/127\.0\.0\.1:\d+/g, 'http://127.0.0.1:3001')

// The tests' own server waits for no disk, for speed, and verify says so; a reader's does.
const withoutServerWarnings = (screen: string): string => {
  const rest = screen.replace(/warning (?:fsync|full_page_writes)_off: .*\n(?: {2}.*\n)+\n/g, '')
  if (rest === screen) return screen
  const other = /^(?:error|warning|note) (\w+): /m.exec(rest)?.[1]
  return (
    rest
      .replace(
        'a crash of PostgreSQL, not of its machine: fsync is off',
        'a crash of this server, not the loss of its disk',
      )
      .replace(/(?<=chatkeep explain )fsync_off(?=\n)/, other ?? '')
      .replace(/More on a finding: chatkeep explain \n\n/, '')
      .replace(/, (\d+) warnings/, (_whole, n) => `, ${Number(n) - 2} warning${n === '3' ? '' : 's'}`)
      // Where no warning is left, verify names no next step.
      .replace(/^(ok: .*, 0 warnings.*)\. Next: .*/m, '$1')
  )
}
