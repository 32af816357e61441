import type { OutputFormat } from './output-format.js'

/** For people. Errors go to stderr only. */
export const textFormat: OutputFormat = {
  name: 'text',
  stderrIsFor: 'people',
  answer: (_command, { text }, render) => text(render),
  error: () => '',
}
