import { OperatorError } from '../../../errors.js'
import { didYouMean } from '../../../terminal/nearest-word.js'
import { environment } from './environment.js'
import { exitCodes } from './exit-codes.js'
import { formats } from './formats.js'
import type { Topic } from './topic.js'

/** Add a topic: write ./<name>.ts, list it here. */
export const TOPICS: readonly Topic[] = [environment, exitCodes, formats]

/**
 * The text of a topic.
 * @param commands names that `chatkeep help` knows, too
 * @throws OperatorError `usage`
 */
export const readTopic = (name: string, commands: readonly string[]): string => {
  const topic = TOPICS.find((one) => one.name === name)
  if (topic !== undefined) return topic.text
  const names = [...commands, ...TOPICS.map((one) => one.name)]
  throw new OperatorError('usage', `there is no command and no help topic ${JSON.stringify(name)}`, {
    hint: didYouMean(name, names, 'chatkeep help', (word) => `chatkeep help ${word}`),
  })
}
