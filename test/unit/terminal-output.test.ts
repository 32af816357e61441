import { execFileSync } from 'node:child_process'
import { describe, expect, test, vi } from 'vitest'
import { createProgress } from '../../src/terminal/progress.js'
import { createRender } from '../../src/terminal/render.js'
import { createSafeStream } from '../../src/terminal/safe-stream.js'
import { shellWord } from '../../src/shell-word.js'
import type { OutputStream } from '../../src/terminal/output-stream.js'

const recorded = (isTTY = false): OutputStream & { readonly written: string[] } => {
  const written: string[] = []
  return { written, write: (text) => void written.push(text), isTTY, columns: 80 }
}

const through = (text: string, colour: boolean, isTTY = colour): string => {
  const stream = recorded(isTTY)
  createSafeStream(stream, { colour }).write(text)
  return stream.written.join('')
}

describe('what is written', () => {
  test.for<[string, string]>([
    ['\u001b]0;title\u0007', '\\u001b]0;title\\u0007'],
    ['\u001b[2J\u001b[31;8m', '\\u001b[2J\\u001b[31;8m'],
    ['a\rb\u0008\u007f\u009b31m', 'a\\u000db\\u0008\\u007f\\u009b31m'],
    ['\u202egnp.exe\u2066\u2069\u200e\u061c\u2028', '\\u202egnp.exe\\u2066\\u2069\\u200e\\u061c\\u2028'],
    ['half \ud83d and whole 😀', 'half \\ud83d and whole 😀'],
    ['::error::x\n \t\u00a0::set-output name=a::b', '\\u003a:error::x\n \t\u00a0\\u003a:set-output name=a::b'],
    ['a ##[error]b, a::b, #[x]', 'a #\\u0023[error]b, a::b, #[x]'],
    ['two\nlines\tand a tab', 'two\nlines\tand a tab'],
    ['مرحبا été 漢字', 'مرحبا été 漢字'],
  ])('is harmless, with colours and without: %j', ([text, safe]) => {
    expect([through(text, false), through(text, true)]).toEqual([safe, safe])
  })

  test('keeps our paint only where there is colour', () => {
    const { paint } = createRender(true)
    const painted = `${paint.red('FAIL:')} ${paint.bold.cyan('# a')} ${paint.dim('b')} ${paint.green('c')}${paint.yellow('d')}`
    expect(through(painted, true)).toBe(painted)
    expect(through(paint.red('x'), false)).toBe('\\u001b[31mx\\u001b[39m')
  })

  test('is still the same JSON', () => {
    const document = { a: '\u001b[31m::x\n##[y]\u009b\u202e\u2028\ud800', '::b': '\u007f' }
    for (const text of [JSON.stringify(document), JSON.stringify(document, null, 2)])
      expect(JSON.parse(through(text, false))).toEqual(document)
  })

  test('as progress stays on its line', () => {
    const stream = recorded(true)
    const progress = createProgress(createSafeStream(stream, { colour: true }), { redraws: true, width: () => 80 })
    vi.useFakeTimers()
    progress.status('waiting for "a\n::error::b\r\u001b[K"', 'x')
    vi.advanceTimersByTime(100)
    vi.useRealTimers()
    progress.clear()
    expect(stream.written).toEqual(['\r\u001b[Kwaiting for "a\\u000a::error::b\\u000d\\u001b[K"', '\r\u001b[K'])
  })

  test('as a cell of a table stays in it', () => {
    const render = createRender(true)
    expect(render.table(['a'], [['x\n::error::y'], [render.paint.red('z')]]).split('\n')).toHaveLength(4)
  })
})

test.for([
  'crm',
  '/var/lib/chat.journal',
  "it's",
  'a b',
  '$(echo ours)',
  '`echo ours`',
  '"; echo ours; "',
  '-x',
  'a\nb',
  'c\u202ed%s\\e',
  '~',
  '',
])('a name in a command that a reader may copy is one word for a shell: %j', (name) => {
  expect(execFileSync('/bin/sh', ['-c', `printf '[%s]' ${shellWord(name)}`], { encoding: 'utf8' })).toBe(`[${name}]`)
})
