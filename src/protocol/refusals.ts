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

export const rateLimited = (perSecond: number): OperatorError =>
  refusal('rate_limited', `more than ${perSecond} events a second; wait a moment and repeat this`, true)

export const tooManyPending = (where: string): OperatorError =>
  refusal('too_many_pending', `too much waits for its answer at ${where}; wait for some and repeat this`, true)

export const tooManyConnections = (most: number): OperatorError =>
  refusal('too_many_connections', `this server takes ${most} connections, and has them; connect again later`, true)

export const neverJoined = (timeoutMs: number): OperatorError =>
  refusal('join_timeout', `nobody joined within ${timeoutMs / 1_000} s; connect again and join`, true)

export const invalidPacket = (): OperatorError =>
  refusal('invalid_packet', 'this is no packet of Socket.IO, or one with more than ten binary parts')

export const serverClosing = (): OperatorError =>
  refusal('server_closing', 'the server is closing; connect again and repeat this', true)
