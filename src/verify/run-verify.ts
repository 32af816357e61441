import { resolve } from 'node:path'
import { describeTarget, type ConnectionTarget } from '../database/connection-target.js'
import { describeWait } from '../database/waiting/describe-wait.js'
import { OperatorError } from '../errors.js'
import type { Answer } from '../terminal/answer.js'
import type { Terminal } from '../terminal/terminal.js'
import type { Expectation } from './expectation.js'
import { readApplicationSchema } from './models/application-schema.js'
import { toAnswer } from './report/to-answer.js'
import type { Severity } from './severity.js'
import { verifyDatabase } from './verify-database.js'
import type { VerifyReport } from './verify-report.js'

/** The flags of `chatkeep verify`. */
export interface VerifyFlags {
  readonly expect: Expectation
  readonly failOn: Severity
  /** A role, or true for that of `applicationRole` or of the connection. */
  readonly probe?: string | true | undefined
  readonly applicationSchema?: string | undefined
  readonly migrations?: string | undefined
  readonly applicationRole?: string | undefined
  /** Guides to compare with, instead of the checks. */
  readonly guides: readonly string[]
  /** Names of the flags that were given and concern the checks. */
  readonly checkFlags: readonly string[]
  /** Milliseconds. */
  readonly statementTimeout: number
}

/** Reads the files that the flags name, then checks the database that `withTarget` provides. */
export const runVerify = async (
  flags: VerifyFlags,
  { cwd, signal, progress }: Pick<Terminal, 'cwd' | 'signal' | 'progress'>,
  withTarget: (work: (target: ConnectionTarget) => Promise<Answer>) => Promise<Answer>,
): Promise<Answer> => {
  const { expect, failOn, probe, applicationRole, applicationSchema: path, migrations } = flags
  refuseContradictions(flags)
  if (flags.guides.length > 0) {
    const { verifyGuides } = await import('./guide/verify-guides.js')
    return verifyGuides(flags.guides, flags.statementTimeout, { cwd, signal, progress }, withTarget)
  }
  const applicationSchema = path === undefined ? undefined : await readApplicationSchema(path, resolve(cwd, path))
  return withTarget(async (target) => {
    const report = await verifyDatabase(target, {
      expectation: expect,
      applicationRole,
      failOn,
      migrationsFolder: migrations === undefined ? undefined : resolve(cwd, migrations),
      probe: probe === undefined ? undefined : { role: probe === true ? applicationRole : probe },
      applicationSchema,
      statementTimeoutMs: flags.statementTimeout,
      signal,
      onWait: (event) => progress.update(describeWait(event)),
    })
    return toAnswer({
      ...report,
      target: describeTarget(target),
      database: target.database,
      ...{ expect, failOn },
      naming: target.naming,
      alsoChecked: describeFlags(flags, report),
    })
  })
}

// The verdict alone does not show that the flags did anything; a database without tables is not probed.
const describeFlags = (
  { probe, applicationRole, applicationSchema }: VerifyFlags,
  { checks, skipped, findings }: Pick<VerifyReport, 'checks' | 'skipped' | 'findings'>,
): readonly string[] => {
  const role = probe === true ? applicationRole : probe
  const unknown = findings.filter(({ isUnknown }) => isUnknown === true)
  const didRun = (name: string): boolean =>
    checks.includes(name) && ![...skipped, ...unknown].some(({ check }) => check === name)
  return [
    ...(applicationRole !== undefined && didRun('application-role')
      ? [`the privileges of ${JSON.stringify(applicationRole)}`]
      : []),
    ...(applicationSchema === undefined ? [] : [`the models in ${applicationSchema}`]),
    ...(didRun('probe')
      ? [`a guest's messages, by the probe${role === undefined ? '' : ` as ${JSON.stringify(role)}`}`]
      : []),
  ]
}

const refuseContradictions = ({ expect, probe, guides, checkFlags }: VerifyFlags): void => {
  if (guides.length > 0 && checkFlags.length > 0)
    throw new OperatorError('usage', `${checkFlags.join(', ')} concerns the checks, which do not run with a guide`, {
      hint: 'run verify twice: once with the guide, once without',
    })
  if (probe !== undefined && expect === 'rolled-back')
    throw new OperatorError(
      'usage',
      '--probe and --expect rolled-back exclude each other: a rolled-back database has no guest flow',
    )
}
