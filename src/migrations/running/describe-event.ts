import type { ProgressUpdate } from '../../terminal/progress.js'
import type { Blocker, MigrationEvent } from './events.js'

/** Describes an event in one line, and says whether the line stays on screen. */
export const describeEvent = (event: MigrationEvent): ProgressUpdate => {
  switch (event.type) {
    case 'note':
      return { event, text: event.text, kind: 'line', key: '' }
    case 'done':
      return {
        event,
        text: `${event.action.padEnd(8)} ${event.migration}  ${Math.round(event.durationMs)} ms`,
        kind: 'line',
        key: '',
      }
    case 'waiting':
      return waiting(event, `waiting${soFar(event)} for ${event.what}`)
    case 'retrying': {
      const time = `${seconds(event)} of ${event.maxWaitMs / 1_000} s`
      return waiting(event, `waiting ${time} for ${event.what} (attempt ${event.attempt})`)
    }
    case 'building':
      return status(event, `${event.statement} ${event.phase}`, describeBuild(event))
    case 'batches':
      return status(event, event.what, `${event.what}: ${event.percent} % (${seconds(event)})`)
    case 'running':
      return status(event, event.statement, `running ${event.statement} (${seconds(event)})`)
  }
}

const status = (event: MigrationEvent, key: string, text: string): ProgressUpdate => ({
  event,
  text,
  kind: 'status',
  key,
})

const waiting = (
  event: MigrationEvent & { readonly what: string; readonly blockers: readonly Blocker[] },
  live: string,
): ProgressUpdate => ({ ...status(event, blockersKey(event), `${live}: ${blockedByWords(event.blockers)}`), live })

const blockersKey = ({ what, blockers }: { readonly what: string; readonly blockers: readonly Blocker[] }): string =>
  `${what} ${blockers.map(({ pid }) => pid).join(' ')}`

const describeBuild = (event: Extract<MigrationEvent, { type: 'building' }>): string => {
  const { statement, phase, percent, etaMs } = event
  const figures = [
    ...(percent === null ? [] : [`${percent} %`]),
    ...(etaMs === null ? [] : [`${Math.ceil(etaMs / 1_000)} s left`]),
  ]
  return `${phase}${figures.length === 0 ? '' : ` ${figures.join(', ')} in this phase`} (${seconds(event)} in total)  ${statement}`
}

// Omitted for a wait that has just begun.
const soFar = (event: { readonly elapsedMs: number }): string => (event.elapsedMs < 1_000 ? '' : ` ${seconds(event)}`)

const seconds = ({ elapsedMs }: { readonly elapsedMs: number }): string => `${(elapsedMs / 1_000).toFixed(1)} s`

const blockedByWords = (blockers: readonly Blocker[]): string =>
  blockers.length === 0 ? 'the lock was just released' : `blocked by ${describeBlockers(blockers)}`

const MOST_SHOWN = 3

/** Describes blocking sessions in their given order, the first three by name. */
export const describeBlockers = (blockers: readonly Blocker[]): string => {
  const shown = blockers.slice(0, MOST_SHOWN).map(describeBlocker)
  const more = blockers.length - shown.length
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}

const describeBlocker = ({ pid, user, application, state, transactionS, query }: Blocker): string => {
  if (pid === 0) return `${application ?? 'a prepared transaction'} (as ${user ?? '?'}, for ${transactionS ?? '?'} s)`
  if (application === AUTOVACUUM) return describeAutovacuum(pid, transactionS)
  const facts = [
    application === '' ? null : application,
    user === null ? null : `as ${user}`,
    describeTransaction(state, transactionS),
    query === null ? null : `query: ${query.replaceAll(/\s+/g, ' ')}`,
  ].filter((fact) => fact !== null)
  return facts.length === 0 ? `pid ${pid}` : `pid ${pid} (${facts.join(', ')})`
}

/** The `backend_type` of autovacuum in pg_stat_activity, which has no application_name. */
export const AUTOVACUUM = 'autovacuum worker'

/** Autovacuum by name: it is no session of anybody. */
export const describeAutovacuum = (pid: number, runsS: number | null): string =>
  `autovacuum (pid ${pid}${runsS === null ? '' : `, running for ${runsS} s`})`

const describeTransaction = (state: string | null, seconds: number | null): string | null => {
  if (seconds === null) return state
  if (state === null) return `in a transaction for ${seconds} s`
  return state.includes('in transaction') ? `${state} for ${seconds} s` : `${state}, in a transaction for ${seconds} s`
}
