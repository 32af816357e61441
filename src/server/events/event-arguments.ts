import type * as z from 'zod/mini'
import { describeIssue, invalidFields } from '../../persistence/invalid-fields.js'
import type { Acknowledgement } from '../../protocol/acknowledgement.js'
import { invalidPayload } from '../../protocol/refusals.js'

type Acknowledge = (acknowledgement: Acknowledgement) => void

export interface EventArguments {
  readonly payload: unknown
  /** Undefined when the client asked for no acknowledgement. */
  readonly acknowledge: Acknowledge | undefined
}

/** Clients send (payload), (payload, callback), (callback) or nothing; `undefined` crosses the wire as null. */
export const readArguments = (args: readonly unknown[]): EventArguments => {
  const last = args.at(-1)
  // Socket.IO puts a function of its own in the last place when, and only when, the client asked for an acknowledgement.
  const acknowledge = typeof last === 'function' ? (last as Acknowledge) : undefined
  const first = typeof args[0] === 'function' ? undefined : args[0]
  return { payload: first ?? {}, acknowledge }
}

/** @throws OperatorError `invalid_payload`, naming every field that is wrong */
export const parsePayload = <Payload>(event: string, schema: z.ZodMiniType<Payload>, payload: unknown): Payload => {
  const parsed = schema.safeParse(payload, { error: describeIssue })
  if (parsed.success) return parsed.data
  throw invalidPayload(event, invalidFields(parsed.error))
}

/** Characters of a parsed payload, which is flat and has known fields only. */
export const charactersIn = (payload: unknown): number =>
  typeof payload === 'object' && payload !== null
    ? Object.values(payload).reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 0), 0)
    : 0

/** To whom a parsed payload is addressed; empty when it names nobody. */
export const addresseeIn = (payload: unknown): string => {
  const { to } = payload as { readonly to?: unknown }
  return typeof to === 'string' || typeof to === 'number' ? String(to) : ''
}
