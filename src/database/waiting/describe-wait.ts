import type { ProgressUpdate } from '../../terminal/progress.js'
import { describeBlockers, MIGRATION_LOCK, OLDER_TRANSACTIONS, statementsToEnd, type Blocker } from '../blockers.js'
import { parseStandbyNames } from '../replication/standby-names.js'
import type { LaggingStandby, WaitEvent } from './wait-events.js'

/** Describes an event in one line, and says whether the line stays on screen. */
export const describeWait = (event: WaitEvent): ProgressUpdate => {
  switch (event.type) {
    case 'note':
      return { event, text: event.text, kind: 'line', key: '' }
    case 'waiting':
      return waiting(event, `waiting${soFar(event)} for ${event.what}`)
    case 'retrying': {
      const time = `${seconds(event)} of ${event.maxWaitMs / 1_000} s`
      return waiting(event, `waiting ${time} for ${event.what} (attempt ${event.attempt})`)
    }
    case 'replicating':
      return status(
        event,
        `standby ${event.standbyNames}`,
        `waiting${soFar(event)} for ${describeStandbys(event)}; Ctrl-C ends the wait`,
      )
    case 'lagging': {
      const text = `waiting${soFar(event)} for ${describeLagging(event.standbys, event.maxLagMs)}`
      return status(event, `lagging ${event.standbys.map(({ name }) => name).join(' ')}`, text)
    }
    case 'building':
      return status(event, `${event.statement} ${event.phase}`, describeBuild(event))
    case 'running':
      return status(event, event.statement, `running ${event.statement} (${seconds(event)})`)
  }
}

/** A state that the next one replaces. */
export const status = (event: ProgressUpdate['event'], key: string, text: string): ProgressUpdate => ({
  event,
  text,
  kind: 'status',
  key,
})

const waiting = (
  event: WaitEvent & { readonly what: string; readonly blockers: readonly Blocker[] },
  live: string,
): ProgressUpdate => ({ ...status(event, blockersKey(event), `${live}: ${blockedByWords(event)}`), live })

const blockersKey = ({ what, blockers }: { readonly what: string; readonly blockers: readonly Blocker[] }): string =>
  `${what} ${blockers.map(({ pid }) => pid).join(' ')}`

/** The standbys that a commit waits for. */
export const describeStandbys = ({
  standbyNames,
  attached,
}: Pick<Extract<WaitEvent, { type: 'replicating' }>, 'standbyNames' | 'attached'>): string => {
  const [name, ...others] = parseStandbyNames(standbyNames)?.names ?? []
  if (name !== undefined && name !== '*' && others.length === 0) {
    const isAttached = attached.some((one) => one.toLowerCase() === name)
    return `the synchronous standby ${name}${isAttached ? '' : ', which is not attached'}`
  }
  const found = attached.length === 0 ? 'none is attached' : `attached are ${attached.join(', ')}`
  return `a synchronous standby of ${standbyNames}: ${found}`
}

/** Such as `standbys to be less than 10 s behind: s1 is 34 s behind`. */
export const describeLagging = (standbys: readonly LaggingStandby[], maxLagMs: number): string => {
  const lags = standbys.map(({ name, lagS }) => `${name} is ${lagS === null ? 'catching up' : `${lagS} s behind`}`)
  return `standbys to be less than ${maxLagMs / 1_000} s behind: ${lags.join(', ')}`
}

const describeBuild = (event: Extract<WaitEvent, { type: 'building' }>): string => {
  const { statement, phase, percent, etaMs } = event
  const figures = [
    ...(percent === null ? [] : [`${percent} %`]),
    ...(etaMs === null ? [] : [`${Math.ceil(etaMs / 1_000)} s left`]),
  ]
  return `${phase}${figures.length === 0 ? '' : ` ${figures.join(', ')} in this phase`} (${seconds(event)} in total)  ${statement}`
}

// Omitted for a wait that has just begun.
const soFar = (event: { readonly elapsedMs: number }): string => (event.elapsedMs < 1_000 ? '' : ` ${seconds(event)}`)

export const seconds = ({ elapsedMs }: { readonly elapsedMs: number }): string => `${(elapsedMs / 1_000).toFixed(1)} s`

// Older transactions and other migrations end by themselves; who holds a table may have forgotten it.
const NOT_TO_END = [OLDER_TRANSACTIONS, MIGRATION_LOCK]

const blockedByWords = (event: { readonly what: string; readonly blockers: readonly Blocker[] }): string => {
  const { what, blockers } = event
  if (blockers.length === 0) return 'the lock was just released'
  const end = NOT_TO_END.includes(what) ? undefined : statementsToEnd(blockers)
  return `blocked by ${describeBlockers(blockers)}${end === undefined ? '' : `. To end it: ${end}`}`
}
