import { join, resolve } from 'node:path'
import { OperatorError } from '../../errors.js'
import { readFoundFile, readSettingsFile, type FoundFile } from '../../found-file.js'
import { metrics } from '../index.js'
import { defaultThresholds } from './defaults.js'
import { parseConfig } from './parse-config.js'
import { byPrecedence } from './threshold-table.js'
import { LEVELS, parseThreshold, type Level, type Threshold } from './threshold.js'

/** The flags of thresholds, as they were typed. */
export interface ThresholdFlags {
  /** The configuration file; otherwise the one of the working directory. */
  readonly config?: string | undefined
  readonly warn?: readonly string[] | undefined
  readonly crit?: readonly string[] | undefined
}

export interface ReadThresholds {
  /** In the order of their precedence, the strongest last. */
  readonly thresholds: readonly Threshold[]
  /** Why a file is ignored. */
  readonly notes: readonly string[]
}

const CONFIG_FILE = 'chatkeep.config.json'

/**
 * The thresholds that hold in a working directory: those of the flags over those of the file over the defaults.
 * @throws OperatorError `unreadable_config`, or `invalid_thresholds` with every mistake
 */
export const readThresholds = (flags: ThresholdFlags, cwd: string): ReadThresholds => {
  const named = LEVELS.flatMap((level) => (flags[level] ?? []).map((text) => fromFlag(text, level)))
  const found = readConfig(flags.config, cwd)
  const { thresholds, mistakes } =
    found !== undefined && 'text' in found ? parseConfig(found.text) : { thresholds: [], mistakes: [] }
  refuseMistakes([
    ...named.flatMap((one) => ('mistake' in one ? [one.mistake] : [])),
    ...mistakes.map(({ line, column, text }) => `${flags.config ?? CONFIG_FILE}:${line}:${column}: ${text}`),
  ])
  return {
    thresholds: [
      ...defaultThresholds(),
      ...thresholds,
      ...byPrecedence(named.flatMap((one) => ('value' in one ? [one.value] : []))),
    ],
    notes: found !== undefined && 'ignored' in found ? [found.ignored] : [],
  }
}

const fromFlag = (text: string, level: Level): ReturnType<typeof parseThreshold> => {
  const parsed = parseThreshold(text, level, metrics)
  return 'mistake' in parsed ? { mistake: `--${level} ${text}: ${parsed.mistake}` } : parsed
}

const UNREADABLE = 'unreadable_config'

const readConfig = (named: string | undefined, cwd: string): FoundFile | undefined =>
  named === undefined
    ? readFoundFile(join(cwd, CONFIG_FILE), '--config', UNREADABLE)
    : { text: readSettingsFile(resolve(cwd, named), UNREADABLE) }

const refuseMistakes = (mistakes: readonly string[]): void => {
  const [first, ...others] = mistakes
  if (first === undefined) return
  throw others.length === 0
    ? new OperatorError('invalid_thresholds', first)
    : new OperatorError('invalid_thresholds', `${mistakes.length} mistakes in the thresholds`, { details: mistakes })
}
