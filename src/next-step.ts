import { shellWord } from './shell-word.js'

/** What the reader can do next, in the form in which it is done. */
export interface NextStep {
  /**
   * `chatkeep`: a command line of chatkeep on the same database, without the program's name and the flags that name the
   * database. `again`: the command that was typed, with further flags. `shell`: any other command line. `sql`: statements for
   * psql. `advice`: words.
   */
  readonly kind: 'chatkeep' | 'again' | 'shell' | 'sql' | 'advice'
  readonly text: string
  /** What it is for, in words. */
  readonly why: string | undefined
  /** Instead of the step before it, not after it. */
  readonly isAlternative: boolean
  /** The database whose name confirms it, as `--confirm` takes it. */
  readonly confirms?: string
  /** Of `chatkeep`: the command whose output it reads. */
  readonly input?: string
  /** Of `again`: flags without a value that are left out. */
  readonly without?: readonly string[]
}

/** One step or several, in their order; plain text is advice. */
export type Next = string | NextStep | readonly (string | NextStep)[]

/** How a run was told its database, for the commands that it prints. */
export interface TargetNaming {
  /** Flags that every command for the same database needs, as typed words of a shell. */
  readonly flags: readonly string[]
  /** Flags that only commands need which read migration files. */
  readonly migrationFlags: readonly string[]
  /** What the reader of such a command should know before typing it. */
  readonly remarks: readonly string[]
  /** What `rollback --confirm` asks for. */
  readonly confirmation: string
  /** The words after `chatkeep` that were typed, without passwords and without the hash of a plan. */
  readonly typed: readonly string[]
}

/** Whom a step is told: a run of the command line; without its naming, anybody at a shell; or the caller of the library. */
type Audience = TargetNaming | 'caller' | undefined

const step = (kind: NextStep['kind'], text: string, why?: string): NextStep => ({
  kind,
  text,
  why,
  isAlternative: false,
})

/** A command of chatkeep on the same database, such as `migrate --dry-run`. */
export const chatkeep = (commandLine: string, why?: string): NextStep => step('chatkeep', commandLine, why)

/** A command of chatkeep that reads the output of another command. */
export const pipedInto = (input: string, commandLine: string, why?: string): NextStep => ({
  ...chatkeep(commandLine, why),
  input,
})

/** A rollback, confirmed. @param database its name, which the run may have to name with the host */
export const confirmedRollback = (database: string, flags: readonly string[] = [], why?: string): NextStep => ({
  ...chatkeep(['rollback', ...flags].join(' '), why),
  confirms: database,
})

/** The real run of a dry run that was typed: with its other flags. */
export const inEarnest = (flags: string, confirms?: string): NextStep => ({
  ...again(flags),
  without: ['--dry-run', '--verbose', '--json'],
  ...(confirms === undefined ? {} : { confirms }),
})

/** The command that was typed, for the reader to repeat, with further flags. */
export const again = (flags = '', why?: string): NextStep => step('again', flags, why)

/** Any other command line. Names in it are quoted by `shellWord`. */
export const shell = (commandLine: string, why?: string): NextStep => step('shell', commandLine, why)

/** SQL statements, without their final semicolons. */
export const sql = (statements: string | readonly string[], why?: string): NextStep =>
  step(
    'sql',
    [statements]
      .flat()
      .map((statement) => `${statement};`)
      .join(' '),
    why,
  )

/** A command of psql itself, such as `\d table`. */
export const psql = (command: string, why?: string): NextStep => step('sql', command, why)

/** The same step as an alternative to the one before it. */
export const or = (next: string | NextStep): NextStep => ({ ...toStep(next), isAlternative: true })

const toStep = (next: string | NextStep): NextStep => (typeof next === 'string' ? step('advice', next) : next)

export const toSteps = (next: Next | undefined): readonly NextStep[] =>
  next === undefined ? [] : [next].flat().map((one) => toStep(one))

/** Commands that read the migration files. */
const READ_MIGRATIONS = ['migrate', 'rollback', 'verify']

/** What is typed, and nothing else. */
export const typedText = (next: NextStep, audience?: Audience): string => {
  const { kind, text, confirms, input } = next
  const naming = audience === 'caller' ? undefined : audience
  if (audience === 'caller' && (kind === 'again' || kind === 'advice')) return forCaller(next)
  if (kind === 'again') return repeated(next, naming)
  if (kind !== 'chatkeep') return text
  const [command = ''] = text.split(' ')
  const flags = [
    ...confirmation(confirms, naming),
    ...(READ_MIGRATIONS.includes(command) ? (naming?.migrationFlags ?? []) : []),
    ...(naming?.flags ?? []),
  ]
  return [...(input === undefined ? [] : [input, '|']), 'chatkeep', text, ...flags].join(' ')
}

// The library's options have the names of the flags.
const forCaller = ({ kind, text }: NextStep): string => {
  if (kind === 'advice') return text.replaceAll(/--[a-z][a-z-]*/g, toOption)
  const options = text.split(/ (?=--)/).map((word) => {
    const [flag = '', value = 'true'] = word.split(' ')
    return `${toOption(flag)}: ${value}`
  })
  return `make the call again${text === '' ? '' : ` with ${options.join(', ')}`}`
}

const toOption = (flag: string): string =>
  flag.slice('--'.length).replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())

const confirmation = (confirms: string | undefined, naming: TargetNaming | undefined): readonly string[] =>
  confirms === undefined ? [] : [`--confirm ${shellWord(naming?.confirmation ?? confirms)}`]

const repeated = ({ text, confirms, without = [] }: NextStep, naming: TargetNaming | undefined): string => {
  const flags = [...(text === '' ? [] : [text]), ...confirmation(confirms, naming)].join(' ')
  if (naming === undefined) return ['run the same command again', ...(flags === '' ? [] : ['with', flags])].join(' ')
  const replaced = flags.split(' ').filter((word) => word.startsWith('--'))
  const kept = naming.typed.filter((word, index, { [index - 1]: before = '' }) => {
    const [flag = ''] = word.split('=')
    return !without.includes(flag) && !replaced.includes(flag) && !replaced.includes(before)
  })
  return ['chatkeep', ...kept, ...(flags === '' ? [] : [flags])].join(' ')
}

/** The step in one line: what it is for, and what is typed. */
export const describeStep = (next: NextStep, audience?: Audience): string => {
  const purpose = [...(next.why === undefined ? [] : [next.why]), ...(next.kind === 'sql' ? ['in psql'] : [])]
  const typed = typedText(next, audience)
  return purpose.length === 0 ? typed : `${purpose.join(', ')}: ${typed}`
}

/** The steps as lines: the first has no label, the others begin with `then` or `or`. */
export const labelledSteps = (
  next: Next | undefined,
  audience?: Audience,
): readonly { readonly label: 'then' | 'or' | undefined; readonly text: string }[] =>
  toSteps(next).map((one, index) => ({
    label: index === 0 ? undefined : one.isAlternative ? 'or' : 'then',
    text: describeStep(one, audience),
  }))

/** All steps in one line. */
export const describeSteps = (next: Next, audience?: Audience): string =>
  labelledSteps(next, audience)
    .map(({ label, text }, index) => (index === 0 ? text : ` ${label} ${text}`))
    .join(';')
    .replaceAll(';;', ';')

/** A step for programs. */
export interface NextStepDocument {
  readonly kind: 'command' | 'sql' | 'advice'
  /** What to type, or the advice. */
  readonly text: string
  readonly why: string | null
  readonly alternative: boolean
}

export const toStepDocuments = (next: Next | undefined, naming?: TargetNaming): readonly NextStepDocument[] =>
  toSteps(next).map((one) => ({
    kind: one.kind === 'sql' || one.kind === 'advice' ? one.kind : 'command',
    text: typedText(one, naming),
    why: one.why ?? null,
    alternative: one.isAlternative,
  }))
