/** An acknowledgement as it goes over the socket. */
export type Acknowledgement =
  { readonly ok: true; readonly [field: string]: unknown } | { readonly ok: false; readonly error: WireError }

/** An error as it goes over the socket. */
export interface WireError {
  readonly code: string
  readonly message: string
  /** The same event may succeed later as it is. */
  readonly retryable: boolean
}
