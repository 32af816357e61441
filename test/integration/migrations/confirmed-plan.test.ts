import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { runProgram } from '../../../src/program.js'
import type { OutputStream } from '../../../src/terminal/output-stream.js'
import { migrated } from '../../support/chat.js'
import { processContext } from '../../support/chatkeep.js'
import { describe, expect, test } from '../../support/database.js'
import { withMigrationsFolder } from '../../support/migrations-folder.js'

const QUESTION = "Type the database's name"

describe('a rollback that was confirmed on a terminal', () => {
  test('is refused when a file has changed since it was shown', async ({ database }) => {
    await migrated(database)
    await withMigrationsFolder(async (migrations) => {
      const stdin = new PassThrough()
      let shown = ''
      const answer = async (): Promise<void> => {
        // What another user of the folder might add: it would run as the one who confirmed.
        await appendFile(
          join(migrations, 'rollback', '2_allow-guest-messages.sql'),
          "DO $$ BEGIN RAISE NOTICE 'ours'; END $$;\n",
        )
        stdin.write(`${database.name}\n`)
      }
      let answering: Promise<void> | undefined
      const terminal: OutputStream = {
        write: (text) => {
          shown += text
          if (text.includes(QUESTION)) answering ??= answer()
        },
        isTTY: true,
        columns: 100,
      }
      const argv = ['rollback', '--database-url', database.url, '--migrations', migrations, '--no-color']
      const exitCode = await runProgram({
        ...processContext(argv),
        stdin: { stream: stdin, isTTY: true },
        stdout: terminal,
        stderr: terminal,
      })
      await answering
      expect([exitCode, shown]).toEqual([5, expect.stringContaining('files, history or schema have changed')])
      const columns = await database.query(
        `SELECT FROM pg_attribute WHERE attrelid = '"ChatMessage"'::regclass AND attname = 'guestUsername' AND NOT attisdropped`,
      )
      expect(columns).toHaveLength(1)
    })
  })
})
