import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { commands } from '../../../src/commands/index.js'
import { anchorsOf, linksOf } from '../../support/docs/links.js'
import { pageFile, readPage, readPages } from '../../support/docs/pages.js'
import { LONGEST_LINE } from '../../support/docs/screens.js'

const MOST_LINES_OF_README = 200

const pages = await readPages()

describe('the README', () => {
  test('is one page', async () => {
    const { text } = await readPage('README.md')
    expect(text.split('\n').length).toBeLessThanOrEqual(MOST_LINES_OF_README)
  })

  test('links to every page, directly or through the index of a folder', () => {
    const linked = new Set(['README.md'])
    for (const path of linked) {
      const page = pages.find((candidate) => candidate.path === path)
      const isIndex = path.endsWith('README.md')
      for (const link of page !== undefined && isIndex ? linksOf(page) : []) linked.add(link.path)
    }
    expect(pages.map(({ path }) => path).filter((path) => !linked.has(path))).toEqual([])
  })

  test('has every command in its table', async () => {
    const { text } = await readPage('README.md')
    const names = commands.map((create) => create(() => () => Promise.resolve()).name())
    for (const name of names) expect(text).toContain(`](docs/commands/${name}.md)`)
  })
})

describe.each(pages.map((page) => ({ name: page.path, page })))('$name', ({ page }) => {
  test(`has no line above ${LONGEST_LINE} characters`, () => {
    expect(page.text.split('\n').filter((line) => line.length > LONGEST_LINE)).toEqual([])
  })

  test('begins with its one title', () => {
    expect(page.text).toMatch(/^# \S.*\n/)
    expect(page.text.replace(/^```[\s\S]*?^```$/gm, '').match(/^# /gm)).toHaveLength(1)
  })

  test('has no link that leads nowhere', () => {
    const broken = linksOf(page).filter(({ path, anchor }) => {
      if (!existsSync(pageFile(path))) return true
      const target = pages.find((candidate) => candidate.path === path)
      return anchor !== '' && (target === undefined || !anchorsOf(target).includes(anchor))
    })
    expect(broken).toEqual([])
  })
})
