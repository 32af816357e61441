import type { ConnectionTarget } from '../database/connection-target.js'
import type { Answer } from '../terminal/answer.js'
import type { Terminal } from '../terminal/terminal.js'
import { DATABASE_COMMANDS, type DatabaseCommand } from './commands.js'
import { diagnose } from './diagnose.js'
import { isReached, type Diagnosis } from './diagnosis.js'
import { isSameConnection } from './parameters.js'
import { readRuntime } from './runtime.js'
import { toAnswer } from './to-answer.js'

/** The flags of `chatkeep doctor`. */
export interface DoctorFlags {
  /** Commands that must be able to run; all of them are shown when none is named. */
  readonly commands: readonly string[]
  readonly verbose?: true | undefined
  readonly embedded?: string | true | undefined
}

type Kind = DatabaseCommand['kind']

/** Finds the database of a kind of connection, for as long as the work lasts. */
export type WithTarget = <T>(kind: Kind, work: (target: ConnectionTarget) => Promise<T>) => Promise<T>

/**
 * Looks at the connections that the commands use: one, or two where `DIRECT_URL` names another than `DATABASE_URL`. The
 * second is looked at while the first is still there, because it may be an embedded server.
 */
export const runDoctor = async (
  flags: DoctorFlags,
  { signal, platform }: Pick<Terminal, 'signal'> & { readonly platform: string },
  withTarget: WithTarget,
): Promise<Answer> => {
  const startedAt = performance.now()
  const wanted = DATABASE_COMMANDS.filter(({ name }) => flags.commands.length === 0 || flags.commands.includes(name))
  const ofKind = (kind: Kind): readonly DatabaseCommand[] => wanted.filter((command) => command.kind === kind)
  const kinds: readonly Kind[] = (['direct', 'pooled'] as const).filter((kind) => ofKind(kind).length > 0)
  const [first = 'direct', second] = kinds
  const diagnoses = await withTarget(first, async (target): Promise<readonly Diagnosis[]> => {
    if (second === undefined || flags.embedded !== undefined) return [await diagnose(target, wanted, signal)]
    return withTarget(second, async (other) =>
      isSameConnection(target, other)
        ? [await diagnose(target, wanted, signal)]
        : withoutRepeated(await diagnose(target, ofKind(first), signal), await diagnose(other, ofKind(second), signal)),
    )
  })
  return toAnswer({
    diagnoses,
    required: flags.commands,
    runtime: readRuntime(platform),
    isVerbose: flags.verbose === true,
    durationMs: Math.round(performance.now() - startedAt),
  })
}

/** Most often both are the same server: a problem of it is reported once. */
const withoutRepeated = (first: Diagnosis, second: Diagnosis): readonly Diagnosis[] => {
  const { outcome } = second
  if (!isReached(first.outcome) || !isReached(outcome)) return [first, second]
  const reported = first.outcome.problems.map((problem) => JSON.stringify(problem))
  const problems = outcome.problems.filter((problem) => !reported.includes(JSON.stringify(problem)))
  return [first, { ...second, outcome: { ...outcome, problems } }]
}
