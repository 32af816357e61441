import { Option } from '@commander-js/extra-typings'
import { parseDuration } from './duration.js'

/** `--max-wait`, of a command that waits for locks. */
export const maxWaitOption = (locks: string) =>
  new Option('--max-wait <duration>', `how long to wait for ${locks}`).argParser(parseDuration).default(30_000, '30s')
