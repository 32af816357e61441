import { existsSync, readdirSync, readFileSync } from 'node:fs'
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

  test('links to every page, by itself or by the index of a folder', () => {
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

describe('the architecture page', async () => {
  const { text } = await readPage('docs/architecture.md')

  test('names files and folders that are there', () => {
    const paths = Array.from(text.matchAll(/`((?:src|test)\/[^`\s]*)`/g), ([, path = '']) => path)
    expect(paths.length).toBeGreaterThan(40)
    expect(paths.filter((path) => !existsSync(pageFile(path)))).toEqual([])
  })

  test('has a line for every room of src', () => {
    const rooms = readdirSync(pageFile('src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect(rooms.map(({ name }) => name).filter((name) => !text.includes(`\`${name}/\``))).toEqual([])
  })

  test('walks through functions that stand in the files that it names', () => {
    const stops = Array.from(text.matchAll(/^\d+\. `(src\/[^`]+)`: `(\w+)`/gm), ([, path = '', name = '']) => ({
      path,
      name,
    }))
    expect(stops.length).toBeGreaterThan(25)
    const lost = stops.filter(
      ({ path, name }) =>
        !new RegExp(`export (const|function|async function) ${name}\\b`).test(readFileSync(pageFile(path), 'utf8')),
    )
    expect(lost).toEqual([])
  })
})
