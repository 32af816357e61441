import { InvalidArgumentError } from '@commander-js/extra-typings'
import { parseDuration } from './flags.js'

/** Reads a duration within bounds, both included: what is no span of time at all, or beyond what a server can be told, is refused. */
export const parseDurationBetween =
  (least: string, most: string) =>
  (text: string): number => {
    const ms = parseDuration(text)
    if (ms >= parseDuration(least) && ms <= parseDuration(most)) return ms
    throw new InvalidArgumentError(`Write a duration from ${least} to ${most}.`)
  }
