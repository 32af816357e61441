import { describeTarget, type ConnectionTarget } from '../database/connection-target.js'
import { ExitCode, OperatorError } from '../errors.js'
import { describeSteps, toStepDocuments, type TargetNaming } from '../next-step.js'
import type { Answer } from '../terminal/answer.js'
import { toErrorDocument } from '../terminal/error-document.js'
import type { Problem } from './problem.js'
import { problemsOf } from './problems.js'
import { isKnown, type Reading } from './reading.js'
import { readStatus, readUpdate, type StatusOptions } from './read-status.js'
import { renderLine, renderStatus, type NamedStatus } from './render-status.js'
import { watchStatus, type Look, type StatusTerminal } from './watch-status.js'

/** The flags of `chatkeep status`. */
export interface StatusFlags {
  /** Milliseconds between two looks; a single look when absent. */
  readonly watch?: number | undefined
  /** Looks again until the exit code would be 0. */
  readonly untilOk?: true | undefined
  readonly server?: readonly string[] | undefined
  /** Milliseconds. */
  readonly statementTimeout: number
}

const DEFAULT_WATCH_MS = 2_000
/** While it is complete, the update is checked again after this time: its checks are most of a look's work. */
const CHECK_UPDATE_MS = 10_000

/** Reads the status: once, or again and again. */
export const runStatus = (target: ConnectionTarget, flags: StatusFlags, terminal: StatusTerminal): Promise<Answer> => {
  const { watch, untilOk, server: servers = [], statementTimeout: statementTimeoutMs } = flags
  const { signal, format } = terminal
  if (watch !== undefined && untilOk === undefined && format.name === 'json')
    throw new OperatorError('usage', '--watch --json has no end to print its one document at', {
      hint: 'add --until-ok, or leave out --watch and repeat the command',
    })
  const options: StatusOptions = { statementTimeoutMs, signal, servers }
  const isWatched = watch !== undefined || untilOk !== undefined
  const checkUpdate = sparing(() => readUpdate(target, options), isWatched ? CHECK_UPDATE_MS : 0)
  const look = async (): Promise<Look> => {
    const status = await readStatus(target, options, checkUpdate)
    const { naming, database } = target
    const names = { target: describeTarget(target), schema: target.schema ?? 'public', database, naming }
    const named = { ...status, ...names, problems: problemsOf(status) }
    return { answer: toAnswer(named), unreachable: status.unreachable }
  }
  if (!isWatched) return look().then(({ answer }) => answer)
  return watchStatus(look, { ...terminal, everyMs: watch ?? DEFAULT_WATCH_MS, untilOk: untilOk ?? false })
}

/** Asks again when the last answer is not a good one, or older than this. */
const sparing = <T extends { readonly ok: boolean }>(
  read: () => Promise<Reading<T>>,
  freshMs: number,
): (() => Promise<Reading<T>>) => {
  let last: Reading<T> | undefined
  let readAt = 0
  return async () => {
    const isFresh = last !== undefined && isKnown(last) && last.value.ok && performance.now() - readAt < freshMs
    if (last !== undefined && isFresh) return last
    last = await read()
    readAt = performance.now()
    return last
  }
}

const toAnswer = (named: NamedStatus): Answer => ({
  // As verify: what is certain says more than what is unknown.
  exitCode: named.problems[0]?.exitCode ?? ExitCode.done,
  data: toData(named),
  text: (render) => renderStatus(named, render),
  verdict: (render) => renderLine(named, render),
})

const toData = (status: NamedStatus): Answer['data'] => {
  const { target, schema, at, server, chatServers, chat, update, problems, naming, unreachable } = status
  const [first] = problems
  return {
    ...{ target, schema, at },
    chat: toPart(chat),
    database: toPart(server),
    update: toPart(isKnown(update) ? { value: { ok: update.value.ok, ...update.value.summary } } : update),
    chatServers,
    problems: problems.map((problem) => toDocument(problem, naming)),
    next: first === undefined || first.next.length === 0 ? null : describeSteps(first.next, naming),
    ...(unreachable === undefined ? {} : { error: toErrorDocument(unreachable, naming) }),
  }
}

const toPart = (reading: Reading<object>): object => (isKnown(reading) ? reading.value : { unknown: reading.unknown })

/** A problem for programs. */
const toDocument = ({ severity, text, next }: Problem, naming: TargetNaming | undefined) => ({
  ...{ severity, text },
  next: next.length === 0 ? null : describeSteps(next, naming),
  steps: toStepDocuments(next, naming),
})
