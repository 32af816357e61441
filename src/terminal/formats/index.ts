import { githubFormat } from './github.js'
import { jsonFormat } from './json.js'
import { junitFormat } from './junit.js'
import type { OutputFormat } from './output-format.js'
import { textFormat } from './text.js'

/** Add an output format: write ./<name>.ts, list it here. The first one is the default. */
export const OUTPUT_FORMATS = [textFormat, jsonFormat, junitFormat, githubFormat] as const satisfies readonly [
  OutputFormat,
  ...OutputFormat[],
]

/** The format of this name; text when absent or unknown. */
export const outputFormat = (name: string | undefined): OutputFormat =>
  OUTPUT_FORMATS.find((format) => format.name === name) ?? textFormat
