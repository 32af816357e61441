import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { consoleBlocksOf, renderConsoleBlock } from '../../support/docs/blocks.js'
import { maskVarying } from '../../support/docs/mask-varying.js'
import { pageFile, readPage, readPages } from '../../support/docs/pages.js'
import { play, writeExampleFiles } from '../../support/docs/play.js'
import { redraw, showsScreen } from '../../support/docs/screens.js'
import { loadFixture } from '../../support/fixtures.js'
import { isThorough } from '../../support/thorough.js'

/**
 * What was done to a page's database before its first block; each page has a database of its own, and one that is not
 * listed begins with the CRM as its ORM left it.
 */
const DONE_BEFORE: Readonly<Record<string, readonly string[]>> = {
  'docs/metrics.md': ['migrate', 'replay chats.ndjson'],
  'docs/replay.md': ['migrate'],
  'docs/serve.md': ['migrate'],
  'docs/verify.md': ['migrate'],
}

const prepare = async (database: TestDatabase, path: string, cwd: string): Promise<void> => {
  await writeExampleFiles(cwd)
  await loadFixture(database, 'crm-before')
  for (const command of DONE_BEFORE[path] ?? []) {
    const { exitCode, stderr } = await runChatkeep(command.split(' '), { cwd, env: { DATABASE_URL: database.url } })
    expect(exitCode, `${command}: ${stderr}`).toBe(0)
  }
}

const pages = (await readPages()).filter(({ text }) => consoleBlocksOf(text).length > 0)
/** It shows little that other pages do not. */
const LONGEST = 'docs/tour.md'
const isComplete = isThorough || process.env.UPDATE_DOCS !== undefined
const played = pages.map(({ path }) => path).filter((path) => isComplete || path !== LONGEST)

describe('the screens of a page are what its commands print', () => {
  test('there are pages with screens', () => {
    expect(pages.map(({ path }) => path)).toEqual(expect.arrayContaining(['README.md', 'docs/tour.md']))
    expect(pages.map(({ path }) => path)).toEqual(expect.arrayContaining(Object.keys(DONE_BEFORE)))
  })

  test.for(played)('%s', async (path, { database }) => {
    const cwd = await mkdtemp(join(tmpdir(), 'chatkeep-docs-'))
    await prepare(database, path, cwd)
    let { text } = await readPage(path)
    for (const { argv, screen, source } of consoleBlocksOf(text)) {
      const actual = await play(argv, database, cwd)
      if (showsScreen(screen, actual)) continue
      if (process.env.UPDATE_DOCS === undefined) {
        expect(maskVarying(actual), `chatkeep ${argv.join(' ')} (npm run docs writes what is true now)`).toBe(
          maskVarying(screen),
        )
      }
      text = text.replace(source, () => renderConsoleBlock(argv, redraw(screen, actual)))
    }
    if (process.env.UPDATE_DOCS !== undefined) await writeFile(pageFile(path), text)
    await rm(cwd, { recursive: true })
  })
})
