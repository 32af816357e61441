import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { escapeIdentifier } from 'pg'
import { runProgram } from '../../../src/program.js'
import type { OutputStream } from '../../../src/terminal/output-stream.js'
import { processContext, runChatkeep } from '../../support/chatkeep.js'
import { administer, databaseNamed, describe, expect, test, type TestDatabase } from '../../support/database.js'
import { transcriptLine } from '../../support/transcript.js'

/** Each would change what a reader sees, if a terminal or a log got it as it is. A name may be 63 bytes long, so three hold them all. */
const HOSTILE = [
  ['a\nFORGED ok: healthy', 'b\r\n::error::FORGED', '\r\u001b[Kg\u007f\b\b'].join(''),
  ['c\u001b[31mred\u001b[2J\u001b]0;t\u0007', 'd\u202etxt.exe\u2066\u200f\u061c'].join(''),
  ['\n  ::FORGED::"\'%|,', 'e\u009b31m\u2028FORGED', 'f ##[error]\n\t##[error]'].join(''),
] as const

const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/
const ANNOTATION = /^::(?:error|warning|notice) title=chatkeep verify%3A \w+::/gm
const OUR_PAINT = /\u001b\[(?:1|2|22|31|32|33|36|39)m/g

const expectSafe = (output: string, what: string): void => {
  expect(output, what).not.toMatch(CONTROL)
  // The later lines of a server's message are indented.
  expect(output, what).not.toMatch(/^ {0,3}FORGED|^\s*::/m)
  expect(output, what).not.toContain('##[')
}

/** A database of this name, with objects, roles and sessions whose names are as hostile. */
const withHostileDatabase = async (piece: string, work: (database: TestDatabase, role: string) => Promise<void>) => {
  const name = `${randomBytes(3).toString('hex')}${piece}`
  const quoted = escapeIdentifier(name)
  await administer(async (client) => {
    await client.query(`CREATE DATABASE ${quoted} TEMPLATE template0 ENCODING 'UTF8'`)
    await client.query(`CREATE ROLE ${quoted} LOGIN SUPERUSER PASSWORD 'unused'`)
  })
  const { database, close } = databaseNamed(name)
  try {
    await work(database, name)
  } finally {
    await close()
    await administer(async (client) => {
      await client.query(`DROP DATABASE ${quoted} WITH (FORCE)`)
      await client.query(`DROP ROLE ${quoted}`)
    })
  }
}

const breakSchema = (name: string): string => {
  const it = escapeIdentifier(name)
  return `
    CREATE VIEW ${it} AS SELECT "guestUsername" FROM ${it}."ChatMessage";
    ALTER VIEW ${it} OWNER TO ${it};
    CREATE FUNCTION ${it}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER ${it} BEFORE INSERT ON ${it}."ChatMessage" FOR EACH ROW EXECUTE FUNCTION ${it}();
    CREATE RULE ${it} AS ON INSERT TO ${it}."Client" DO INSTEAD NOTHING;
    CREATE INDEX ${it} ON ${it}."ChatMessage" ("guestPhone");
    ALTER TABLE ${it}."ChatMessage" ADD CONSTRAINT ${it} CHECK ("guestUsername" <> 'x') NOT VALID;
    ALTER TABLE ${it}."Client" ALTER COLUMN "phone" TYPE varchar(99);
    CREATE PUBLICATION ${it} FOR TABLE ${it}."ChatMessage";
    CREATE TYPE ${it}.${it} AS ENUM ('a');
    GRANT SELECT ON ${it}."ChatMessage" TO ${it}`
}

/** Runs a command line as on a terminal with colours. */
const onTerminal = async (argv: readonly string[], cwd: string): Promise<string> => {
  let all = ''
  // Progress removes its own line with this, at the start of what it writes.
  const write = (text: string): void => void (all += text.replace(/^\r\u001b\[K/, ''))
  const terminal: OutputStream = { write, isTTY: true, columns: 100 }
  await runProgram({ ...processContext(argv, { cwd }), stdout: terminal, stderr: terminal })
  return all.replaceAll(OUR_PAINT, '')
}

describe.each(HOSTILE.map((piece) => [JSON.stringify(piece), piece] as const))('names with %s', (_title, piece) => {
  test('reach no output as they are', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'chatkeep-hostile-'))
    const file = `transcript${piece.replaceAll('/', '')}`
    await writeFile(
      join(cwd, file),
      `${transcriptLine({ username: piece, conversation: piece, text: piece })}\nwrong\n`,
    )
    await withHostileDatabase(piece, async (database, name) => {
      const reach = ['--database-url', database.url, '--schema', name]
      const runs = async (...argv: readonly string[]): Promise<void> => {
        const { exitCode, stdout, stderr } = await runChatkeep([...argv, ...reach], { cwd })
        const what = argv.join(' ')
        expect(exitCode, `${what}: ${stderr}`).not.toBe(70)
        // Scripts are for psql, which must get the names as they are.
        if (argv.includes('--sql')) expectSafe(stderr, what)
        // The format of GitHub Actions is made of its commands; names in them are escaped.
        else
          expectSafe(
            argv.includes('github') ? stdout.replaceAll(/^::(?:error|warning|notice) title=/gm, '') : stdout,
            what,
          )
        expectSafe(stderr, what)
        if (argv.includes('--json')) JSON.parse(stdout)
        const shown = await onTerminal([...argv, ...reach], cwd)
        expectSafe(shown.replaceAll(ANNOTATION, ''), `${what} on a terminal`)
      }
      await runs('verify')
      await database.query(`CREATE SCHEMA ${escapeIdentifier(name)}`)
      await runs('migrate', '--dry-run', '--create-tables')
      const { stdout: script } = await runChatkeep(['migrate', '--sql', '--create-tables', ...reach])
      // It is in an SQL string.
      expect(script).toContain(escapeIdentifier(name).replaceAll("'", "''"))
      await runs('migrate')
      await runs('migrate', '--create-tables')
      await runs('replay', file)
      await runs('replay', file, '--check-only', '--json')
      await runs('replay', '--scenario', 'guest-flow')
      await runs('verify', '--expect', 'rolled-back')
      await database.load(breakSchema(name))
      for (const format of ['text', 'json', 'junit', 'github']) {
        await runs('verify', '--format', format, '--application-role', name)
      }
      await runs('verify', '--application-role', `no${name}`)
      for (const argv of [['--dry-run'], ['--dry-run', '--json'], ['--confirm', name], []])
        await runs('rollback', ...argv)
      await runs('metrics')
      await runs('reconcile')
      await runs('migrate', '--history')
      const blocker = await database.client({ application_name: name })
      await blocker.query(`BEGIN; LOCK TABLE ${escapeIdentifier(name)}."ChatMessage"`)
      await runs('rollback', '--confirm', name, '--max-wait', '300ms', '--show-queries')
      await runs('replay', `missing${piece}`)
      await runs('migrate', '--migrations', `missing${piece}`)
      await runs('verify', '--application-schema', `missing${piece}`)
      await runs('migrate', piece)
    }).finally(() => rm(cwd, { recursive: true }))
  })
})
