/** The server's acknowledgement of an event, with further fields that depend on the event. */
export type Answer = Done | Refused

interface Done {
  readonly ok: true
  readonly [field: string]: unknown
}

interface Refused {
  readonly ok: false
  readonly error: {
    readonly code: string
    readonly message: string
    readonly retryable?: boolean | undefined
    readonly [field: string]: unknown
  }
  readonly [field: string]: unknown
}

/** Whether a chat server can have sent it. Without zod, which is larger than the rest of the client. */
export const isAnswer = (value: unknown): value is Answer => {
  if (!isRecord(value)) return false
  if (value.ok === true) return true
  const { error } = value
  if (value.ok !== false || !isRecord(error)) return false
  return typeof error.code === 'string' && typeof error.message === 'string' && isFlag(error.retryable)
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isFlag = (value: unknown): boolean => value === undefined || typeof value === 'boolean'
