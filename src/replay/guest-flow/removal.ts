import { withClient } from '../../database/connection.js'
import type { ConnectionTarget } from '../../database/connection-target.js'
import { createGuestTables, type RemovedRows } from './guest-rows.js'

/** How the rows of the scenario are found. */
export interface Traces {
  readonly usernames: readonly string[]
  /** Added to while the scenario is played. */
  readonly conversations: string[]
}

/** What became of the rows of the scenario. */
export type Removal =
  | (RemovedRows & { readonly kind: 'removed' })
  | { readonly kind: 'kept' }
  | { readonly kind: 'failed'; readonly reason: string }

const QUERY_TIMEOUT_MS = 10_000

/** Removes the rows of the scenario. A failure is returned, not thrown, so the results of the cases are still reported. */
export const removeTraces = async (
  target: ConnectionTarget,
  { usernames, conversations }: Traces,
): Promise<Removal> => {
  const session = { applicationName: 'chatkeep replay', queryTimeoutMs: QUERY_TIMEOUT_MS, pins: 'course' } as const
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
      return `removed its rows: ${amount(removal.messages, 'message')}, ${amount(removal.clients, 'client')}`
    case 'kept':
      return `kept its rows ${whose}`
    case 'failed':
      return `could not remove its rows ${whose}: ${removal.reason}`
  }
}

const amount = (rows: number, noun: string): string => `${rows} ${noun}${rows === 1 ? '' : 's'}`
