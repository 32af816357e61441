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
