import { describe, expect, test } from 'vitest'
import { LONGEST_LINE, redraw, showsScreen } from '../../support/docs/screens.js'

describe('a screen on a page', () => {
  test.each([
    ['the same', 'a\nb\n', 'a\nb\n', true],
    ['another duration', 'done in 5 ms\n', 'done in 1,2 s\n', false],
    ['another duration of the same form', 'done in 5 ms\n', 'done in 7 ms\n', true],
    ['another word', 'a\nb\n', 'a\nc\n', false],
    ['a line more', 'a\n', 'a\nb\n', false],
    ['a line less', 'a\nb\n', 'a\n', false],
    ['lines left out', 'a\n…\nd\n', 'a\nb\nc\nd\n', true],
    ['no line left out', 'a\n…\nd\n', 'a\nd\n', true],
    ['lines left out twice', 'a\n…\nc\n…\ne\n', 'a\nb\nc\nd\ne\n', true],
    ['a line that is not behind those left out', 'a\n…\nx\n', 'a\nb\nc\n', false],
    ['lines left out at the end', 'a\n…\n', 'a\nb\nc\n', true],
    ['the rest of a line left out', 'will undo: 14, …\n', 'will undo: 14, 13, 12\n', true],
    ['another beginning of such a line', 'will undo: 13, …\n', 'will undo: 14, 13, 12\n', false],
  ])('%s', (_name, shown, actual, expected) => {
    expect(showsScreen(shown, actual)).toBe(expected)
  })

  test.each([
    ['as it is', 'old\n', 'a\nb\n', 'a\nb\n'],
    ['with as many lines around the gap', 'x\n…\ny\nz\n', 'a\nb\nc\nd\ne\n', 'a\n…\nd\ne\n'],
    ['with a long line cut at a word', 'old\n', `${'word '.repeat(40)}\n`, `${'word '.repeat(31)}…\n`],
  ])('is drawn again %s', (_name, shown, actual, expected) => {
    expect(redraw(shown, actual)).toBe(expected)
    expect(showsScreen(expected, actual)).toBe(true)
    for (const line of expected.split('\n')) expect(line.length).toBeLessThanOrEqual(LONGEST_LINE)
  })
})
