import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

export interface PageAssets {
  readonly script: string
  readonly style: string
}

/** The files of uPlot that a page needs. */
interface UPlot {
  readonly licence: string
  readonly script: string
  readonly style: string
}

/** Defined by the build, which puts the files inside. */
declare const UPLOT: UPlot | undefined

/** uPlot as its package has it, with its licence: every page is a copy of it. */
export const uPlotAssets = (): PageAssets => {
  const { licence, script, style } = typeof UPLOT === 'undefined' ? readPackage() : UPLOT
  return { script: `/*\n${licence.trim()}\n*/\n${script}`, style }
}

const readPackage = (): UPlot => {
  const { resolve } = createRequire(import.meta.url)
  const read = (file: string): string => readFileSync(resolve(`uplot/${file}`), 'utf8')
  return { licence: read('LICENSE'), script: read('dist/uPlot.iife.min.js'), style: read('dist/uPlot.min.css') }
}
