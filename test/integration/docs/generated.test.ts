import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { generated } from '../../support/docs/generated/index.js'
import { pageFile } from '../../support/docs/pages.js'
import { renderGenerated } from '../../support/docs/write-generated.js'

describe('what is made from the program is up to date (npm run docs makes it anew)', () => {
  test.for(generated.map((entry) => ({ name: `${entry.path} ${entry.section ?? ''}`.trim(), entry })))(
    '$name',
    async ({ entry }) => {
      const file = pageFile(entry.path)
      const present = existsSync(file) ? await readFile(file, 'utf8') : undefined
      const text = await renderGenerated(entry, present)
      if (process.env.UPDATE_DOCS === undefined) {
        expect(text === present ? text : present, 'npm run docs').toBe(text)
        return
      }
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text)
    },
  )

  test('no command that is gone has a page', async () => {
    const pages = (await readdir(pageFile('docs/commands'))).map((name) => `docs/commands/${name}`)
    expect(pages.filter((path) => !generated.some((entry) => entry.path === path))).toEqual([])
  })
})
