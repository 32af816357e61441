import { errorLines, type ErrorDocument } from './error-document.js'
import { printable } from './printable.js'

/** What a monitoring plugin ends with. */
export const PLUGIN_CODE = { ok: 0, warning: 1, critical: 2, unknown: 3 } as const

export type PluginState = keyof typeof PLUGIN_CODE

/** The line of a monitoring plugin, without performance data: what follows a bar would be that, and a line feed ends the text. */
export const monitoringLine = (state: PluginState, text: string): string =>
  `CHATKEEP ${state.toUpperCase()}: ${printable(text.replaceAll(/\s*\n\s*/g, ' ').replaceAll('|', '/'))}`

/** The line of a plugin that could not find out. */
export const monitoringError = (error: ErrorDocument): string => monitoringLine('unknown', errorLines(error).join('; '))
