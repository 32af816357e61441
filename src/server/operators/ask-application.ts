import type { IncomingHttpHeaders } from 'node:http'
import * as z from 'zod/mini'
import type { ChatLog } from '../../chat-log.js'
import { withDeadline } from '../../concurrency/with-deadline.js'
import { operatorIdentitySchema } from '../../protocol/payloads.js'
import { operatorsUnchecked } from '../../protocol/refusals.js'
import { errorFields } from '../error-fields.js'

/** Who an operator is, as the application says. */
export interface ApplicationOperator {
  readonly name: string
  /** Id in "User"; null or absent for an operator without one. */
  readonly operatorId?: number | null | undefined
}

/** The connection of a join. */
export interface OperatorRequest {
  /** Of the client; behind proxies that of `X-Forwarded-For`. */
  readonly address: string
  /** Of the connection, with the cookies of the application. */
  readonly headers: IncomingHttpHeaders
}

/** @param token as the operator sent it; undefined if there was none */
export type AuthenticateOperator = (
  token: string | undefined,
  request: OperatorRequest,
) => Promise<ApplicationOperator | undefined>

const ANSWER_WITHIN_MS = 5_000

const answerSchema = z.optional(operatorIdentitySchema)

/** The application's answer. @throws OperatorError `operators_unchecked` when it fails, takes too long or is none */
export const askApplication = async (
  log: ChatLog,
  question: () => Promise<ApplicationOperator | undefined>,
): Promise<z.infer<typeof answerSchema>> => {
  try {
    return answerSchema.parse(await withDeadline(ANSWER_WITHIN_MS, question))
  } catch (error) {
    log.error({ event: 'operators_unchecked', ...errorFields(error) }, 'an operator could not be checked')
    throw operatorsUnchecked()
  }
}
