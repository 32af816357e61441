import { ExitCode, OperatorError } from '../errors.js'

const refusal = (code: string, message: string, retryable = false): OperatorError =>
  new OperatorError(code, message, { retryable, exitCode: ExitCode.no })

/** @param mistakes what is wrong, one entry a field; never the values, which may be personal */
export const invalidPayload = (event: string, mistakes: readonly string[]): OperatorError =>
  refusal('invalid_payload', `the payload of ${event} is not usable: ${mistakes.join('; ')}`)

export const invalidToken = (): OperatorError =>
  refusal('invalid_token', 'the token is not one that a join has given out; forget it and join without')

export const notJoined = (): OperatorError => refusal('not_joined', 'join first')

export const forbidden = (role: string): OperatorError => refusal('forbidden', `this is not for the role ${role}`)

export const unauthorized = (reason: string): OperatorError => refusal('unauthorized', reason)

export const unknownConversation = (): OperatorError =>
  refusal('unknown_conversation', 'nobody is connected under this name and nothing is stored under it')

export const unknownEvent = (): OperatorError => refusal('unknown_event', 'there is no such event')

export const serverClosing = (): OperatorError =>
  refusal('server_closing', 'the server is closing; connect again and repeat this', true)
