import { OperatorError } from '../errors.js'

/** What a replay is asked for: the file and the flags of `chatkeep replay`, each as it was parsed. */
export interface ReplayRequest {
  /** Path of a transcript or a journal, `-` for standard input; absent for a scenario. */
  readonly file?: string | undefined
  readonly scenario?: 'guest-flow' | undefined
  /** The way into the database; `store` when absent. */
  readonly through?: 'store' | 'socket' | undefined
  /** The chat server to use; one is started when absent. */
  readonly url?: string | undefined
  readonly keep?: true | undefined
  readonly checkOnly?: true | undefined
  /** `max`, `original`, `x10` or `200/s`; `max` when absent. */
  readonly speed?: string | undefined
  /** Longest wait for the next message, in milliseconds. */
  readonly maxGap?: number | undefined
  /** File of the resume state. */
  readonly resume?: string | undefined
  /** File for rejected lines. */
  readonly rejected?: string | undefined
  readonly acceptTruncated?: true | undefined
  /** File for the operation log. */
  readonly history?: string | undefined
  /** Only looked at to explain a missing transcript: `--embedded FILE` takes FILE for its folder. */
  readonly embedded?: string | true | undefined
}

/** @throws OperatorError `usage` with every mistake */
export const checkRequest = (request: ReplayRequest): void => {
  const [first, ...others] = mistakesIn(request)
  if (first === undefined) return
  throw new OperatorError('usage', first, { details: others, hint: 'chatkeep replay --help' })
}

/** Flags that cannot be combined, and what is missing. */
export const mistakesIn = (request: ReplayRequest): readonly string[] => {
  const { file, scenario, through, url, checkOnly, maxGap, speed, keep } = request
  const isScenario = scenario !== undefined
  return [
    ...(file === undefined && !isScenario ? [missingTranscript(request)] : []),
    ...(file !== undefined && isScenario ? ['a transcript and --scenario cannot be combined'] : []),
    ...(isScenario && through === 'store' ? ['--scenario always goes through the socket'] : []),
    ...(url !== undefined && !isScenario && through !== 'socket' ? ['--url needs --through socket'] : []),
    ...(isScenario ? givenOf(request, TRANSCRIPT_FLAGS).map((flag) => `${flag} is for transcripts only`) : []),
    ...(checkOnly === true
      ? givenOf(request, SENDING_FLAGS).map(
          (flag) => `${flag} cannot be combined with --check-only, which sends nothing`,
        )
      : []),
    ...(maxGap !== undefined && !/^(original|x.*)$/.test(speed ?? '')
      ? ['--max-gap needs --speed original or a multiple such as x10']
      : []),
    ...(keep === true && !isScenario ? ['--keep is for --scenario'] : []),
  ]
}

/** @throws OperatorError `usage` for a flag that does not apply to a journal */
export const checkJournalRequest = (request: ReplayRequest): void => {
  const [first] = [...(request.through === 'socket' ? ['--through socket'] : []), ...givenOf(request, JOURNAL_UNFIT)]
  if (first === undefined) return
  throw new OperatorError(
    'usage',
    `${first} is for transcripts: a journal goes through the store, under the keys that its messages have`,
    { hint: `leave out ${first}` },
  )
}

const missingTranscript = ({ embedded }: ReplayRequest): string =>
  'name a transcript, or - for standard input, or --scenario guest-flow' +
  (typeof embedded === 'string' ? ` (--embedded took ${embedded} for its folder: put the transcript before it)` : '')

/** Each flag as it is typed. */
const TYPED = {
  checkOnly: '--check-only',
  speed: '--speed',
  maxGap: '--max-gap',
  resume: '--resume',
  rejected: '--rejected',
  acceptTruncated: '--accept-truncated',
  history: '--history',
  url: '--url',
} as const

type Flag = keyof typeof TYPED

const JOURNAL_UNFIT: readonly Flag[] = ['speed', 'maxGap', 'resume', 'rejected', 'acceptTruncated', 'history']
const TRANSCRIPT_FLAGS: readonly Flag[] = ['checkOnly', ...JOURNAL_UNFIT]
const SENDING_FLAGS: readonly Flag[] = ['speed', 'maxGap', 'resume', 'rejected', 'history', 'url']

const givenOf = (request: ReplayRequest, flags: readonly Flag[]): readonly string[] =>
  flags.filter((flag) => request[flag] !== undefined).map((flag) => TYPED[flag])
