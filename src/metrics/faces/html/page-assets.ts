import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

export interface PageAssets {
  readonly script: string
  readonly style: string
}

/** uPlot as its package has it, with its licence: every page is a copy of it. */
export const uPlotAssets = (): PageAssets => {
  const { resolve } = createRequire(import.meta.url)
  const read = (file: string): string => readFileSync(resolve(`uplot/${file}`), 'utf8')
  return {
    script: `/*\n${read('LICENSE').trim()}\n*/\n${read('dist/uPlot.iife.min.js')}`,
    style: read('dist/uPlot.min.css'),
  }
}
