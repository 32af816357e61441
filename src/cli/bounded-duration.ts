import { InvalidArgumentError } from '@commander-js/extra-typings'
import { parseDuration } from './flags.js'

/** Returns a parser of durations between two bounds, both included. @throws InvalidArgumentError outside them */
export const parseDurationBetween =
  (least: string, most: string) =>
  (text: string): number => {
    const ms = parseDuration(text)
    if (ms >= parseDuration(least) && ms <= parseDuration(most)) return ms
    throw new InvalidArgumentError(`Write a duration from ${least} to ${most}.`)
  }
