import { DATABASE_COMMANDS } from './commands.js'
import { describeSource } from '../database/target/sources.js'
import { describeSteps, toSteps } from '../next-step.js'
import { printable } from '../terminal/printable.js'
import { count, duration, type Render } from '../terminal/render.js'
import type { Finding } from '../verify/finding.js'
import { paintFinding } from '../verify/report/paint-finding.js'
import {
  describeEncryption,
  describeProxy,
  describeRole,
  describeServer,
  describeSettings,
  describeStages,
} from './describe.js'
import { isReached, type Diagnosis, type Reached } from './diagnosis.js'
import { findingsOf } from './findings.js'
import type { DoctorReport } from './report.js'
import { SETTING_GROUPS, type SettingGroup } from './server-settings.js'

/** The connections one after the other, what is wrong, and the verdict last. */
export const renderDoctor = (report: DoctorReport, render: Render): string => {
  const { diagnoses, required, runtime, isVerbose } = report
  return [
    ...diagnoses.flatMap((diagnosis, index) => [
      ...connectionLines(
        diagnosis,
        { before: diagnoses[index - 1], isOnly: diagnoses.length === 1, isVerbose },
        render,
      ),
      '',
      ...findingsOf(diagnosis, required).flatMap((found) => [...paintFinding(found, diagnosis.naming, render), '']),
    ]),
    ...(isVerbose ? [line('runs on', `chatkeep ${runtime.chatkeep}, ${runtime.platform}`), ''] : []),
    renderVerdict(report, render),
  ].join('\n')
}

interface Shown {
  readonly isOnly: boolean
  /** The connection above, most often to the same server: what is the same is not shown again. */
  readonly before: Diagnosis | undefined
  readonly isVerbose: boolean
}

const LABEL_WIDTH = 13

const line = (label: string, text: string, width = LABEL_WIDTH): string => `${label.padEnd(width)}${printable(text)}`

const connectionLines = (
  diagnosis: Diagnosis,
  { isOnly, before, isVerbose }: Shown,
  render: Render,
): readonly string[] => {
  const { target, outcome, parameters, commands } = diagnosis
  const shown = before !== undefined && isReached(before.outcome) ? reachedLines(before.outcome, isVerbose, render) : []
  const version = isReached(outcome) ? `  PostgreSQL ${outcome.server.version.replace(/ .*/, '')}` : ''
  return [
    render.paint.bold(printable(`doctor  ${target}${version}`)),
    '',
    ...(isOnly ? [] : [line('for', commands.join(', '))]),
    ...parameterLines(diagnosis, isVerbose),
    '',
    ...(isReached(outcome)
      ? reachedLines(outcome, isVerbose, render).filter((text) => !shown.includes(text))
      : [line('connection', describeStages(outcome.stage, parameters))]),
  ]
}

/** Defaults of these say little. */
const ONLY_VERBOSE = ['connect_timeout', 'schema']

const parameterLines = ({ parameters, unused }: Diagnosis, isVerbose: boolean): readonly string[] => {
  const shown = parameters.filter(
    ({ name, source }) => isVerbose || source.kind !== 'default' || !ONLY_VERBOSE.includes(name),
  )
  const width = Math.max(...shown.map(({ value }) => value.length))
  const nameWidth = Math.max(LABEL_WIDTH, ...shown.map(({ name }) => name.length + 2))
  const overridden = unused.map(({ name, value, source }) => `${name} ${value} from ${describeSource(source)}`)
  return [
    ...shown.map(({ name, value, source }) =>
      line(name, `${value.padEnd(width)}  ${describeSource(source)}`.trimEnd(), nameWidth),
    ),
    ...(overridden.length === 0 ? [] : [line('not used', overridden.join(', '))]),
  ]
}

const GROUPS = Object.keys(SETTING_GROUPS) as SettingGroup[]

/** All of them would take a second line. */
const describeRunnable = (runnable: readonly string[]): string => {
  if (runnable.length === 0) return 'none of the commands'
  return runnable.length === DATABASE_COMMANDS.length ? 'every command that needs a database' : runnable.join(', ')
}

const reachedLines = (reached: Reached, isVerbose: boolean, render: Render): readonly string[] => {
  const { place, proxy, encryption, server, settings, role, abilities } = reached
  const runnable = abilities.filter(({ obstacle }) => obstacle === undefined).map(({ command }) => command)
  return [
    line('connection', `${place}, ${describeProxy(proxy)}`),
    line('encryption', describeEncryption(encryption, new Date())),
    line('server', describeServer(server, settings)),
    ...(isVerbose
      ? []
      : GROUPS.filter((group) => group !== 'others' && group !== 'server').map((group) =>
          line(group, describeSettings(group, settings)),
        )),
    line('role', describeRole(role)),
    line('can run', describeRunnable(runnable)),
    ...(isVerbose
      ? [
          '',
          render.table(
            ['setting', 'value', 'source'],
            settings.map(({ name, value, source }) => [name, value, source]),
          ),
        ]
      : []),
  ]
}

/** What is wrong, in figures, and what to do first. */
export const renderVerdict = ({ diagnoses, required, durationMs }: DoctorReport, { paint }: Render): string => {
  const found = diagnoses.flatMap((diagnosis) =>
    findingsOf(diagnosis, required).map((one) => ({ ...one, naming: diagnosis.naming })),
  )
  const amount = (severity: string): number => found.filter((one) => one.severity === severity).length
  const [errors, warnings] = [amount('error'), amount('warning')]
  const [first] = found
  const isSilent = first === undefined || first.severity === 'note'
  const next = isSilent ? '' : `. Next: ${firstStep(first)}`
  if (errors > 0)
    return `${paint.red('FAIL:')} ${count(errors, 'error')}, ${count(warnings, 'warning')} (${duration(durationMs)})${next}`
  const figures = warnings === 0 ? 'no problem found' : `no error, ${count(warnings, 'warning')}`
  return `${paint.green('ok:')} ${figures} (${duration(durationMs)})${next}`
}

const firstStep = ({ help, naming }: Pick<Finding, 'help'> & Pick<Diagnosis, 'naming'>): string =>
  printable(describeSteps(toSteps(help).slice(0, 1), naming))
