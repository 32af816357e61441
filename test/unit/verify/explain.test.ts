import { describe, expect, test } from 'vitest'
import { explainedCodes } from '../../../src/verify/explained-codes.js'
import { runChatkeep } from '../../support/chatkeep.js'

describe('explain', () => {
  test('lists every code with its severity and a line', async () => {
    const { exitCode, stdout } = await runChatkeep(['explain'])
    const lines = stdout.trimEnd().split('\n')
    expect(exitCode).toBe(0)
    expect(lines.slice(0, -2).map((line) => /^(\w+) +(?:error|warning|note)(?: or \w+)*: .+$/.exec(line)?.[1])).toEqual(
      explainedCodes().map(({ code }) => code),
    )
    expect(lines.at(-1)).toMatch(/^\d+ codes\. Details: chatkeep explain CODE, also with a SQLSTATE such as 55P03$/)
  })

  test('shows the meaning, the cause and the fix of a code', async () => {
    expect(await runChatkeep(['explain', 'index_missing'])).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: `index_missing (error): an index is missing

Meaning
  chatkeep's queries need this index to be fast, and the unique one also
  prevents storing a message twice. Without it, they read the whole table: with
  ten million messages, seconds instead of milliseconds.

Cause
  The index was dropped, a restore left it out, or the migration that creates it
  was recorded but not run.

Fix
  Run chatkeep migrate. It builds the index CONCURRENTLY, which does not block
  writes.
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
      title: 'the schema does not exist',
    })
  })

  test.for([['55P03'], ['55p03']])('explains an error of the server: %s', async ([code = '']) => {
    expect((await runChatkeep(['explain', code])).stdout).toBe(`55P03 (lock_not_available): a lock was not free in time

Next
  see who holds it, and the statement that ends it: chatkeep status; then run
  the same command again

Exit code
  4, the same command may succeed later
`)
  })

  test.for([
    ['index_invald', 'hint: did you mean index_invalid? chatkeep explain index_invalid'],
    ['INDEX_INVALID', 'hint: did you mean index_invalid? chatkeep explain index_invalid'],
    ['invalid', 'hint: list all codes: chatkeep explain'],
    ['', 'hint: list all codes: chatkeep explain'],
  ] as const)('refuses what is no code, and says which was meant: %j', async ([code, hint]) => {
    const { exitCode, stdout, stderr } = await runChatkeep(['explain', code])
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr.split('\n').slice(0, 2)).toEqual([
      `error: no finding and no known SQLSTATE has the code ${JSON.stringify(code)}`,
      hint,
    ])
  })
})
