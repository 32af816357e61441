import type { OperatorError } from '../errors.js'
import { finding, type Finding } from '../verify/finding.js'
import type { Ability } from './commands.js'
import { isReached, type Diagnosis, type Failed } from './diagnosis.js'

/**
 * All that is wrong on a connection, worst first. That some commands cannot run is a warning, because many roles are meant for
 * few commands.
 * @param required commands that must be able to run
 */
export const findingsOf = ({ outcome }: Diagnosis, required: readonly string[]): readonly Finding[] => {
  if (!isReached(outcome)) return [failure(outcome)]
  const obstacles = obstaclesOf(outcome.abilities)
  const canNone = outcome.abilities.every(({ obstacle }) => obstacle !== undefined)
  const isRequired = ({ commands }: Obstacle): boolean => canNone || commands.some((name) => required.includes(name))
  const errors = outcome.problems.filter(({ severity }) => severity === 'error')
  return [
    ...errors,
    ...obstacles.filter(isRequired).map((one) => cannotRun(one, 'error')),
    ...obstacles.filter((one) => !isRequired(one)).map((one) => cannotRun(one, 'warning')),
    ...outcome.problems.filter(({ severity }) => severity !== 'error'),
  ]
}

interface Obstacle {
  readonly commands: readonly string[]
  readonly error: OperatorError
}

/** Commands that the same obstacle stops stand together. */
const obstaclesOf = (abilities: readonly Ability[]): readonly Obstacle[] => {
  const groups = new Map<string, Obstacle>()
  for (const { command, obstacle: error } of abilities) {
    if (error === undefined) continue
    const key = JSON.stringify([error.message, error.details])
    groups.set(key, { error, commands: [...(groups.get(key)?.commands ?? []), command] })
  }
  return [...groups.values()]
}

const cannotRun = ({ commands, error }: Obstacle, severity: 'error' | 'warning'): Finding => ({
  ...finding(severity, error.code, {
    object: commands.join(', '),
    expected: 'can run',
    actual: describe(error),
    help: error.next,
  }),
  sqlState: error.sqlState,
})

const failure = ({ error }: Failed): Finding => ({
  ...finding('error', error.code, {
    object: 'connection',
    expected: 'a session',
    actual: describe(error),
    help: error.next,
  }),
  sqlState: error.sqlState,
})

const describe = ({ message, details }: OperatorError): string => [message, ...details].join('; ').replace(':; ', ': ')
