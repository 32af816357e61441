import type { ErrorCode } from './error-codes.js'

/** What the server answers to an event. */
export type Acknowledgement =
  { readonly ok: true; readonly [field: string]: unknown } | { readonly ok: false; readonly error: WireError }

/** An error as the server sends it. */
export interface WireError {
  readonly code: ErrorCode
  readonly message: string
  /** The same event may succeed later, unchanged. */
  readonly retryable: boolean
}

/** What `refused` says: why an event is refused whose sender asked for no acknowledgement, or why the connection is about to end. */
export interface Refusal extends WireError {
  /** The event that is refused; absent when the connection ends. */
  readonly event?: string
  /** Of the refused message, if it had one. */
  readonly messageId?: string
}
