import { withClient } from '../../database/connection.js'
import type { ConnectionTarget } from '../../database/connection-target.js'
import { createGuestTables, type RemovedRows } from './guest-rows.js'

/** By what the rows that the scenario wrote are found. */
export interface Traces {
  readonly usernames: readonly string[]
  /** Grows while the scenario is played. */
  readonly conversations: string[]
}

/** What became of the rows that the scenario wrote. */
export type Removal =
  | (RemovedRows & { readonly kind: 'removed' })
  | { readonly kind: 'kept' }
  | { readonly kind: 'failed'; readonly reason: string }

const QUERY_TIMEOUT_MS = 10_000

/** Removes what the scenario wrote; failing to is a finding, so that the results of the cases are not lost with it. */
export const removeTraces = async (
  target: ConnectionTarget,
  { usernames, conversations }: Traces,
): Promise<Removal> => {
  const session = { applicationName: 'chatkeep replay', queryTimeoutMs: QUERY_TIMEOUT_MS }
  try {
    const removed = await withClient(target, session, (client) =>
      createGuestTables(client, target.schema ?? 'public').remove(usernames, conversations),
    )
    return { kind: 'removed', ...removed }
  } catch (error) {
    return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) }
  }
}

/** The fate of the rows in words. */
export const renderRemoval = (removal: Removal, { usernames }: Pick<Traces, 'usernames'>): string => {
  const whose = `under the names ${usernames.join(', ')}`
  switch (removal.kind) {
    case 'removed':
      return `removed what it wrote: ${amount(removal.messages, 'message')}, ${amount(removal.clients, 'client')}`
    case 'kept':
      return `kept what it wrote ${whose}`
    case 'failed':
      return `could not remove what it wrote ${whose}: ${removal.reason}`
  }
}

const amount = (rows: number, noun: string): string => `${rows} ${noun}${rows === 1 ? '' : 's'}`
