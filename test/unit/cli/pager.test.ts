import { expect, test } from 'vitest'
import type { ProcessContext } from '../../../src/cli/context.js'
import { lastWords } from '../../../src/cli/leave-at-once.js'
import { pagerEnvironment, pagerFor } from '../../../src/cli/pager.js'
import { runPager } from '../../../src/cli/run-pager.js'
import { runProgram } from '../../../src/program.js'
import { processContext } from '../../support/chatkeep.js'

interface Screen {
  readonly rows: number
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: boolean
  readonly stdout?: boolean
  /** Whether there is a pager. */
  readonly shows?: boolean
}

/** Runs a command line on a made-up terminal. */
const onTerminal = async (
  argv: readonly string[],
  { rows, env = {}, stdin = true, stdout = true, shows = true }: Screen,
) => {
  let printed = ''
  const paged: string[] = []
  const context: ProcessContext = processContext(argv, { env })
  const exitCode = await runProgram({
    ...context,
    stdin: { ...context.stdin, isTTY: stdin },
    stdout: { write: (text) => void (printed += text), isTTY: stdout, columns: 80, rows },
    runPager: (commandLine, text) => {
      paged.push(`${commandLine}: ${text}`)
      return Promise.resolve(shows)
    },
  })
  return { exitCode, printed, paged }
}

test('an answer longer than the screen goes to the pager, and only there', async () => {
  const { exitCode, printed, paged } = await onTerminal(['explain'], { rows: 24 })
  expect([exitCode, printed, paged.length]).toEqual([0, '', 1])
  expect(paged[0]).toMatch(/^less -FIRX: [^]*schema_missing[^]* codes\. Details: chatkeep explain CODE/)
})

test('an answer whose pager is missing is printed', async () => {
  const { exitCode, printed, paged } = await onTerminal(['explain'], { rows: 24, shows: false })
  expect([exitCode, paged.length]).toEqual([0, 1])
  expect(printed).toContain('schema_missing')
})

test.for<[string, readonly string[], Screen]>([
  ['that fits', ['explain', 'index_invalid'], { rows: 60 }],
  ['in JSON', ['explain', '--json'], { rows: 24 }],
  ['with --no-pager', ['explain', '--no-pager'], { rows: 24 }],
  ['in CI', ['explain'], { rows: 24, env: { CI: 'true' } }],
  ['with PAGER=cat', ['explain'], { rows: 24, env: { PAGER: 'cat' } }],
  ['with an empty CHATKEEP_PAGER', ['explain'], { rows: 24, env: { CHATKEEP_PAGER: '', PAGER: 'less' } }],
  ['on a terminal that does not know its size', ['explain'], { rows: 0 }],
  ['in a pipe', ['explain'], { rows: 24, stdout: false }],
  ['when nobody can type', ['explain'], { rows: 24, stdin: false }],
])('an answer %s is printed', async ([, argv, screen]) => {
  const { exitCode, printed, paged } = await onTerminal(argv, screen)
  expect([exitCode, paged]).toEqual([0, []])
  expect(printed).not.toBe('')
})

test('the pager is CHATKEEP_PAGER, PAGER or less', () => {
  const chosen = (env: Readonly<Record<string, string>>) => {
    const context = processContext([], { env, columns: 80 })
    return pagerFor({ ...context, stdin: { ...context.stdin, isTTY: true } })
  }
  expect([{}, { PAGER: 'more' }, { PAGER: 'more', CHATKEEP_PAGER: 'bat -p' }].map(chosen)).toEqual([
    'less -FIRX',
    'more',
    'bat -p',
  ])
})

test('the pager gets no secret', () => {
  const secrets = {
    PGPASSWORD: 'x',
    DATABASE_URL: 'x',
    CHATKEEP_OPERATOR_SECRET: 'x',
    GITHUB_TOKEN: 'x',
    LESS_SECRET_KEY: 'x',
  }
  const kept = { PATH: '/bin', TERM: 'xterm', LC_ALL: 'C', LESSCHARSET: 'utf-8' }
  expect(pagerEnvironment({ ...secrets, ...kept })).toEqual({ LESS: 'FIRX', ...kept })
})

test('a pager that is missing, or that is left early, is no error', async () => {
  const long = 'line\n'.repeat(200_000)
  const env = { PATH: process.env.PATH }
  expect(await runPager('no-such-pager', long, env)).toBe(false)
  expect(await runPager('no-such-pager 2>&- | :; exit 127', long, env)).toBe(false)
  expect(await runPager('true', long, env)).toBe(true)
})

test.for([
  [['migrate', '--json'], /^\{"at":.*"type":"left","text":"left at once on a second SIGINT: .*INVALID/],
  [['verify', '-d', 'crm'], /^left at once on a second SIGINT: the server may go on with the last statement for 10 s$/],
  [['replay', 'x', '--embedded'], /stores nothing twice; the embedded server is stopped by the next run$/],
] as const)('the last words of %j say what may be left', ([argv, said]) => {
  expect(lastWords(argv, 'SIGINT')).toMatch(said)
})
