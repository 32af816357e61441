import { Option } from '@commander-js/extra-typings'
import { parseDurationBetween } from './duration.js'

/** `--wait-for-database`, of commands that can go on after a failover. */
export const waitForDatabaseOption = () =>
  new Option(
    '--wait-for-database <duration>',
    'how long to wait for a database that is unavailable, as during a failover (default: not at all)',
  ).argParser(parseDurationBetween('1s', '1d'))
