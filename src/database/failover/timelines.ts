import { ConnectionProblem } from '../connection-failure.js'

/** What a new connection says of its server. Null where it cannot be told, such as of the timeline of a standby. */
export interface ServerPast {
  /** The same for a primary and all its standbys. */
  readonly systemIdentifier: string | null
  /** Counts the promotions in the history of the server. */
  readonly timeline: number | null
}

/** A primary on a later timeline than the ones before it. */
export interface Promotion {
  readonly from: number
  readonly to: number
}

/** What an admitted connection can be told. */
interface Admitted {
  /** Ends the connection at once: the outcome of what runs on it is unknown. */
  cut(): void
  once(event: 'end', listener: () => void): unknown
}

/** The timelines that the connections to a target have met, in whatever pools they are. */
export interface Timelines {
  /** Of the newest primary; undefined until one was met. */
  readonly newest: number | undefined
  /** Whether servers can be asked; a role or a service may not allow it. */
  canAsk: boolean
  /**
   * Notes a new connection. Those to the same system on an earlier timeline are cut: their server was the primary before a
   * promotion, and may not know it.
   * @throws ConnectionProblem when this connection is such a one
   */
  admit(connection: Admitted, past: ServerPast): void
}

/** The columns in which a statement says where it runs. pg_walfile_name begins with the timeline, in hexadecimal digits. */
export const PAST_COLUMNS = `
  CASE WHEN NOT pg_catalog.pg_is_in_recovery()
    THEN pg_catalog."left"(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8) END AS "timeline",
  (SELECT c.system_identifier FROM pg_catalog.pg_control_system() AS c)::pg_catalog.text AS "systemIdentifier"`

/** The row of a statement with `PAST_COLUMNS`. */
export interface PastRow {
  readonly timeline: string | null
  readonly systemIdentifier: string | null
}

export const toPast = ({ timeline, systemIdentifier }: PastRow): ServerPast => ({
  systemIdentifier,
  timeline: timeline === null ? null : Number.parseInt(timeline, 16),
})

/** What a connection on a timeline means where another was the newest. */
export const compareTimelines = (
  newest: number | undefined,
  timeline: number,
): 'first' | 'same' | 'past' | 'promoted' => {
  if (newest === undefined) return 'first'
  if (timeline === newest) return 'same'
  return timeline < newest ? 'past' : 'promoted'
}

export interface TimelineOptions {
  readonly onPromotion?: ((promotion: Promotion) => void) | undefined
  /** Whether all connections must lead to one system: for a run that would otherwise go on in another database. */
  readonly isOneSystem?: boolean | undefined
}

export const createTimelines = ({ onPromotion, isOneSystem }: TimelineOptions = {}): Timelines => {
  // By system: a database that was moved to a new one, by a dump or an upgrade, begins at timeline 1.
  const newestOf = new Map<string, number>()
  const admitted = new Map<Admitted, { readonly system: string; readonly timeline: number }>()
  let newest: number | undefined

  const cutBefore = (system: string, timeline: number): void => {
    for (const [connection, its] of admitted) {
      if (its.system === system && its.timeline < timeline) connection.cut()
    }
  }
  return {
    canAsk: true,
    get newest() {
      return newest
    },
    admit: (connection, { systemIdentifier: system, timeline }) => {
      if (system === null || timeline === null) return
      const before = newestOf.get(system)
      if (isOneSystem === true && before === undefined && newest !== undefined) throw otherSystem()
      const meaning = compareTimelines(before, timeline)
      if (meaning === 'past') throw pastTimeline(timeline, before)
      newestOf.set(system, timeline)
      newest = timeline
      admitted.set(connection, { system, timeline })
      connection.once('end', () => admitted.delete(connection))
      if (meaning !== 'promoted' || before === undefined) return
      cutBefore(system, timeline)
      onPromotion?.({ from: before, to: timeline })
    },
  }
}

const otherSystem = (): ConnectionProblem =>
  new ConnectionProblem('it is another database system than the one on which this run began', 'other')

const pastTimeline = (timeline: number, newest: number | undefined): ConnectionProblem =>
  new ConnectionProblem(
    `it is on timeline ${timeline}, but the primary is on timeline ${newest}: it was the primary before a promotion`,
    'past',
  )
