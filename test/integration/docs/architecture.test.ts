import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { pageFile, readPage } from '../../support/docs/pages.js'

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
