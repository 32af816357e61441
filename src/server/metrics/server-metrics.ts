import type { Journal } from '../../journal/journal.js'
import type { StoreLoad } from '../../persistence/chat-store.js'
import type { ServerObserver } from './observer.js'

/** What a server is asked for whenever its metrics are read. */
export interface ServerState {
  /** Of each socket: what it joined as, and a guest's conversation. */
  readonly participants: () => Iterable<Participant>
  readonly storeLoad: () => StoreLoad
  readonly journal: JournalLoad | undefined
  /** Whether the journal takes messages. */
  readonly isJournalUsable: () => boolean
  /** Whether a message could be stored in the database now; takes two seconds at most. */
  readonly isReady: () => Promise<boolean>
}

/** What a journal holds. */
export type JournalLoad = Pick<Journal, 'waiting' | 'oldestAt' | 'sizeBytes' | 'maxBytes'> & {
  readonly rejected: Pick<Journal['rejected'], 'path'>
}

/** Undefined for a socket that has not joined. */
type Participant =
  { readonly role: 'client'; readonly conversation: string } | { readonly role: 'operator' } | undefined

/** The metrics of one server: what it counts itself, and what is read of its database. */
export interface ServerMetrics {
  /** Whether the chat server answers with them, to this machine alone, or a listener of their own. */
  readonly listener: 'shared' | 'own'
  readonly observer: ServerObserver
  /** Called once, by the server that is measured. */
  watch(state: ServerState): void
  /** Answers a scraper, within a second whatever the state of the database. @param accept the media types that it takes */
  read(accept?: string): Promise<Exposition>
  close(): void
}

export interface Exposition {
  readonly contentType: string
  readonly body: string | Uint8Array
}
