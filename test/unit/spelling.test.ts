import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { repository } from '../support/chatkeep-process.js'
import { readPages } from '../support/docs/pages.js'
import { filesBelow, src } from '../support/source-tree.js'

const AMERICAN =
  /\b(?:cancel(?:ed|ing)|(?:un)?recogniz\w*|(?:un)?analyz\w*|(?:re)?normaliz\w*|initializ\w*|behaviors?|colors?)\b/i

/** Words that others spell: flags, variables, SQL keywords, packages, options of libraries, properties of CSS, and calls. */
const BORROWED = /@[\w-]+\/[\w-]+|--?[\w-]+|\w+\(|\.\w+|\b[A-Z_]{2,}\b|\bcolor(?:-\w+)?:|^.*\bcolor: .*$/g

const americanLines = (path: string, text: string): readonly string[] =>
  text.split('\n').flatMap((line, index) => {
    const [word] = AMERICAN.exec(line.replace(BORROWED, '')) ?? []
    return word === undefined ? [] : [`${path}:${index + 1} ${word}`]
  })

describe('the spelling is British', () => {
  test.for([
    ['the server canceled the query', 1],
    ['Recognized by shape', 1],
    ['the behavior of colors', 1],
    ['cancelled, recognised, in colour', 0],
    ['SqlState.queryCanceled, name.normalize("NFC"), ANALYZE', 0],
    ['--no-color, NO_COLOR, `@colors/colors`', 0],
    ['.soft { color: red; color-scheme: dark }', 0],
  ] as const)('%s', ([line, count]) => {
    expect(americanLines('a', line)).toHaveLength(count)
  })

  test('in the sources', () => {
    const found = filesBelow(src).flatMap((path) =>
      americanLines(relative(repository, path), readFileSync(path, 'utf8')),
    )
    expect(found).toEqual([])
  })

  test('on the pages', async () => {
    expect((await readPages()).flatMap(({ path, text }) => americanLines(path, text))).toEqual([])
  })
})
