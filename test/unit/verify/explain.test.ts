import { describe, expect, test } from 'vitest'
import { explainedCodes } from '../../../src/verify/codes.js'
import { runChatkeep } from '../../support/chatkeep.js'

describe('explain', () => {
  test('lists every code with its severity and a line', async () => {
    const { exitCode, stdout } = await runChatkeep(['explain'])
    const lines = stdout.trimEnd().split('\n')
    expect(exitCode).toBe(0)
    expect(lines[0]).toMatch(/^ code +\| severity +\| what was found$/)
    expect(lines.slice(2, -2).map((line) => line.split('|')[0]?.trim())).toEqual(
      explainedCodes().map(({ code }) => code),
    )
    expect(lines.at(-1)).toMatch(/^\d+ codes\. More on each: chatkeep explain CODE$/)
  })

  test('says what a code means, how it comes about and how to mend it', async () => {
    expect(await runChatkeep(['explain', 'index_missing'])).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: `index_missing (error): an index is missing

Meaning
  chatkeep's reads are fast because of this index; the unique one also makes that no
  message is stored twice. Without it they read the whole table: at ten million messages
  seconds instead of milliseconds.

Cause
  It was dropped, or a restore left it out, or the migration that makes it was recorded
  and not run.

Fix
  chatkeep migrate builds it again, CONCURRENTLY: nobody has to stop writing.
`,
    })
  })

  test('gives programs the same', async () => {
    const one = JSON.parse((await runChatkeep(['explain', '--json', 'index_invalid'])).stdout) as unknown
    expect(one).toEqual({
      ok: true,
      command: 'explain',
      ...explainedCodes().find(({ code }) => code === 'index_invalid'),
    })
    const all = JSON.parse((await runChatkeep(['explain', '--json'])).stdout) as { codes: unknown[] }
    expect(all.codes).toHaveLength(explainedCodes().length)
    expect(all.codes[0]).toEqual({
      code: 'schema_missing',
      severities: ['error'],
      title: 'the schema is not there',
    })
  })

  test.for([
    ['index_invald', 'hint: did you mean index_invalid? chatkeep explain index_invalid'],
    ['INDEX_INVALID', 'hint: did you mean index_invalid? chatkeep explain index_invalid'],
    ['invalid', 'hint: chatkeep explain lists all codes'],
    ['', 'hint: chatkeep explain lists all codes'],
  ] as const)('refuses what is no code, and says which was meant: %j', async ([code, hint]) => {
    const { exitCode, stdout, stderr } = await runChatkeep(['explain', code])
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr.split('\n').slice(0, 2)).toEqual([`error: no finding has the code ${JSON.stringify(code)}`, hint])
  })

  test('has an explanation of each part for every code', () => {
    for (const { code, title, severities, meaning, cause, remedy } of explainedCodes()) {
      expect(code).toMatch(/^[a-z]+(_[a-z]+)+$/)
      expect(title, code).toMatch(/^\S.{10,90}[^.]$/)
      expect(severities.length, code).toBeGreaterThan(0)
      for (const text of [meaning, cause, remedy]) expect(text, code).toMatch(/^["\w].{20,}[.)]$/)
      expect(meaning.length, code).toBeGreaterThan(80)
    }
  })
})
