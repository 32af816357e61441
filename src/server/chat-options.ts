import type { ChatLog } from '../chat-log.js'
import type { JournalOptions } from '../journal/open-journal.js'
import type { ChatStore } from '../persistence/chat-store.js'
import type { Recorder } from '../transcripts/recorder.js'
import type { ClusterOptions } from './cluster/cluster.js'
import type { Transport } from './http/explain-refusals.js'
import type { ServerMetrics } from './metrics/server-metrics.js'
import type { AuthenticateOperator } from './operators/ask-application.js'
import type { GivenLimits } from './protection/limits.js'

/** Of every chat, on whatever server. */
export interface ChatOptions extends GivenLimits {
  /** Stays the caller's: the server uses it and does not close it. */
  readonly store: ChatStore
  /** What any operator may present at the join, at least 16 characters; with it any name and id may be given. */
  readonly operatorSecret?: string | undefined
  /** A file that `chatkeep serve --add-operator` writes: operators with tokens of their own, who join under the name and id in it. */
  readonly operatorsFile?: string | undefined
  /**
   * Asks the application who an operator is whose token is neither the secret nor in the file: undefined for nobody. The name
   * and id in the join are ignored. When it fails or takes more than 5 s, the join is refused as `operators_unchecked`.
   */
  readonly authenticateOperator?: AuthenticateOperator | undefined
  /** Whether operators whose `"User"."isActive"` is false may join; `refused` when absent. */
  readonly inactiveOperators?: 'refused' | 'allowed' | undefined
  /** Proxies through which every connection comes, for `X-Forwarded-For`; 0 when absent: the header is ignored. */
  readonly trustProxy?: number | undefined
  /** Accepts also `https` URLs as images; operators' browsers then ask other servers for them. */
  readonly allowImageUrls?: boolean | undefined
  /** How long a guest may be without a connection before `chatEnded` tells the operators; 10 s when absent, 0 = at once. */
  readonly disconnectGraceMs?: number | undefined
  /** Keeps messages while the database is unavailable; without it they are refused with `database_unavailable`. */
  readonly journal?: JournalOptions | undefined
  /** Makes all servers on one database act as one; without it this server is on its own. */
  readonly adapter?: ClusterOptions | undefined
  /** Records every message that this server commits. Stays the caller's: the server does not close it. */
  readonly recorder?: Recorder | undefined
  /** Measures this server, and answers at `/metrics` to requests of this machine if its listener is shared. Stays the caller's: the server does not close it. */
  readonly metrics?: ServerMetrics | undefined
  /** Silent when absent. */
  readonly log?: ChatLog | undefined
}

/** Of the HTTP side of a chat. */
export interface ChatWebOptions {
  /**
   * Web origins whose pages may connect: `https://shop.example`, `https://*.shop.example`, `capacitor://localhost` and the like;
   * `*` for all. Only the server's own when absent.
   */
  readonly corsOrigin?: string | readonly string[] | undefined
  /**
   * Names under which the server is reached, besides addresses, `localhost` and `host`: `chat.example`, whose pages come by
   * HTTPS, or `http://chat.example`.
   */
  readonly publicHost?: string | readonly string[] | undefined
  /** How clients may connect, by WebSocket and by HTTP long polling; both when absent. */
  readonly transports?: readonly Transport[] | undefined
}

export interface ChatServerOptions extends ChatOptions, ChatWebOptions {
  /** 127.0.0.1 when absent. */
  readonly host?: string | undefined
  /** 3001 when absent; 0 takes a free one. */
  readonly port?: number | undefined
}
