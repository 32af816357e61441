import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { processContext } from '../../support/chatkeep.js'
import { runProgram } from '../../../src/program.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatkeep-crash-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** A run of `explain` that meets a bug: its stdout cannot be written to. */
const crash = async (error: Error, argv: readonly string[], state: string) => {
  let stderr = ''
  const context = processContext(['explain', ...argv], { env: { XDG_STATE_HOME: state, PGPASSWORD: 'sesame-1234' } })
  const exitCode = await runProgram({
    ...context,
    stdout: {
      ...context.stdout,
      write: () => {
        throw error
      },
    },
    stderr: { ...context.stderr, write: (text) => void (stderr += text) },
  })
  return { exitCode, stderr }
}

test('a bug is written to a file without data that only its owner can read, and its path is printed', async () => {
  const error = new TypeError(`Cannot read properties of undefined (reading 'sesame-1234')`, {
    cause: Object.assign(new Error('Maria wrote hello'), { code: '22P02', detail: 'Key (phone)=(555) exists.' }),
  })
  const { exitCode, stderr } = await crash(error, ['index_invalid', '--no-color'], folder)
  expect(exitCode).toBe(70)
  const path = /please report it with the file (\S+),/.exec(stderr)?.[1] ?? ''
  expect(path.startsWith(join(folder, 'chatkeep', 'chatkeep-crash-'))).toBe(true)
  expect(stderr).toMatch(/^bug: TypeError: /)
  expect(stderr).not.toMatch(/^ +at /m)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  const report = await readFile(path, 'utf8')
  expect(report).toMatch(
    /^chatkeep \d+\.\d+\.\d+, Node\.js v.*\n.*\nchatkeep explain \.\.\. --no-color\nerror: TypeError: Cannot/,
  )
  expect(report).toMatch(/^ +at .*crash-report\.test/m)
  expect(report).toContain('caused by: Error [22P02]: (text left out)')
  for (const secret of ['sesame', 'Maria', '555', 'index_invalid']) expect(report).not.toContain(secret)
})

test('a bug whose report cannot be written there is reported in the temporary folder', async () => {
  const file = join(folder, 'file')
  await writeFile(file, '')
  const { exitCode, stderr } = await crash(new TypeError('x is not a function'), [], file)
  const path = /with the file (\S+),/.exec(stderr)?.[1] ?? ''
  expect([exitCode, path.startsWith(join(tmpdir(), 'chatkeep-crash-'))]).toEqual([70, true])
  await rm(path)
})

test('with --json its path is in the document', async () => {
  const before = await readdir(join(folder, 'chatkeep'))
  const { stderr } = await crash(new RangeError('too long'), ['--json'], folder)
  const { report } = JSON.parse(stderr) as { readonly report: string }
  expect(before).not.toContain(report)
  expect(await readFile(report, 'utf8')).toContain('error: RangeError: too long')
})
