import * as z from 'zod/mini'
import { ExitCode, OperatorError } from '../../errors.js'
import { fileReason, hasCode } from '../../file-reason.js'
import { readPrivateFile, replacePrivateFile } from '../../private-file.js'

/** What a resume state belongs to: another transcript, database or way is another run. */
export interface RunIdentity {
  readonly sizeBytes: number
  /** Hexadecimal, of the first 64 KiB. */
  readonly headSha256: string
  readonly format: string
  readonly target: string
  readonly through: string
}

/** How far a run has come. */
export interface RunState {
  /** Everything up to this line is settled. */
  readonly line: number
  readonly finished: boolean
  /** Lines up to `line` whose messages were rejected. */
  readonly rejected: readonly { readonly line: number; readonly reason: string }[]
  /** Size of the file of rejected lines at that point. */
  readonly rejectedBytes?: number | undefined
}

export const NOT_BEGUN: RunState = { line: 0, finished: false, rejected: [] }

/** Rejected lines that a state lists at most; it advances no further than the last of them. */
export const MOST_REJECTED = 1_000

/**
 * Reads how far an earlier run with this state file has come.
 * @throws OperatorError `state_of_another_run`, `state_unreadable`, `file_not_private`
 */
export const readRunState = async (path: string, identity: RunIdentity): Promise<RunState> => {
  const text = await readPrivateFile(path).catch((cause: unknown) => {
    if (hasCode(cause, 'ENOENT')) return undefined
    throw cause instanceof OperatorError ? cause : unreadable(path, cause)
  })
  if (text === undefined) return NOT_BEGUN
  const document = parse(text)
  if (document === undefined) throw unreadable(path, undefined)
  const differing = (['sizeBytes', 'headSha256', 'format', 'target', 'through'] as const).filter(
    (field) => document.run[field] !== identity[field],
  )
  if (differing.length > 0) throw otherRun(path, differing)
  return document.state
}

/** Writes how far a run has come; a crash leaves either the previous state or this one. @throws OperatorError `state_not_written` */
export const writeRunState = async (path: string, run: RunIdentity, state: RunState): Promise<void> => {
  const text = `${JSON.stringify({ format: FORMAT, version: 1, run, state })}\n`
  try {
    const file = await replacePrivateFile(path, (draft) => draft.writeFile(text))
    await file.close()
  } catch (cause) {
    if (cause instanceof OperatorError) throw cause
    throw new OperatorError('state_not_written', `${path} cannot be written: ${(cause as Error).message}`, {
      hint: 'make room, or name another file for --resume; a second run stores nothing twice',
      exitCode: ExitCode.no,
      cause,
    })
  }
}

const FORMAT = 'chatkeep-replay-state'

const documentSchema = z.object({
  format: z.literal(FORMAT),
  version: z.literal(1),
  run: z.object({
    sizeBytes: z.number(),
    headSha256: z.string(),
    format: z.string(),
    target: z.string(),
    through: z.string(),
  }),
  state: z.object({
    line: z.int().check(z.minimum(0)),
    finished: z.boolean(),
    rejected: z.array(z.object({ line: z.int(), reason: z.string() })),
    rejectedBytes: z.optional(z.int().check(z.minimum(0))),
  }),
})

const parse = (text: string): z.infer<typeof documentSchema> | undefined => {
  try {
    return documentSchema.safeParse(JSON.parse(text)).data
  } catch {
    // The caller reports the file as unreadable; the parser's message adds nothing.
    return undefined
  }
}

const otherRun = (path: string, differing: readonly string[]): OperatorError =>
  new OperatorError(
    'state_of_another_run',
    `${path} is the state of another replay; it differs in ${differing.map(named).join(', ')}`,
    {
      hint: 'name the transcript and database of that replay, or another file for --resume',
    },
  )

const named = (field: string): string =>
  ({ sizeBytes: 'size', headSha256: 'beginning', through: 'way (--through)' })[field] ?? field

const unreadable = (path: string, cause: unknown): OperatorError =>
  new OperatorError('state_unreadable', `${path} is not a readable resume state${whyOf(cause)}`, {
    hint: 'name another file for --resume: nothing is stored twice',
    cause,
  })

const whyOf = (cause: unknown): string => {
  const reason = fileReason(cause)
  return reason === undefined ? '' : `: ${reason}`
}
