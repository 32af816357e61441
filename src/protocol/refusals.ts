import { namedBy } from '../persistence/chats/address.js'
import { ExitCode, OperatorError } from '../errors.js'
import type { WireError } from './acknowledgement.js'
import { ERROR_CODES, type ErrorCode } from './error-codes.js'

const refusal = (code: ErrorCode, text: string = ERROR_CODES[code].text): OperatorError =>
  new OperatorError(code, text, { retryable: ERROR_CODES[code].repeat === 'later', exitCode: ExitCode.no })

/** @param mistakes one entry a field; never its value, which may be personal data */
export const invalidPayload = (event: string, mistakes: readonly string[]): OperatorError =>
  refusal('invalid_payload', `the payload of ${event} is invalid: ${mistakes.join('; ')}`)

export const invalidToken = (): OperatorError => refusal('invalid_token')

export const notJoined = (): OperatorError => refusal('not_joined')

/** Of what waited for a join that was refused: final, as the join, when that would be refused again. */
export const joinRefused = ({ code, message, retryable }: WireError): OperatorError =>
  retryable
    ? refusal('not_joined', `the join was refused (${code}): ${message}`)
    : refusal(code, `the join was refused: ${message}`)

/** @param scope what has reached its limit: `this connection` or `this server` */
export const tooManyBeforeJoin = (scope: string): OperatorError =>
  refusal('not_joined', `too many events wait for a join on ${scope}; join, then send this again`)

export const forbidden = (role: string): OperatorError =>
  refusal('forbidden', `this event is not available to the role ${role}`)

/** The operator presented no secret, or a wrong one. */
export const wrongOperatorSecret = (): OperatorError => refusal('unauthorized')

/** The server knows no operators. */
export const operatorsDisabled = (): OperatorError => refusal('unauthorized', 'operators cannot join this server')

/** The operator's line is no longer in the file, or another. */
export const removedOperator = (): OperatorError =>
  refusal('unauthorized', 'this operator was removed or changed; join again with a valid token')

/** "User" says so. */
export const inactiveOperator = (): OperatorError => refusal('unauthorized', 'this operator is not active')

/** The application could not tell who the operator is. */
export const operatorsUnchecked = (): OperatorError => refusal('operators_unchecked')

/** Of this operator's address; the secret was not looked at. */
export const tooManyGuesses = (waitMs: number): OperatorError =>
  refusal('rate_limited', `too many wrong operator secrets; wait ${Math.ceil(waitMs / 1_000)} s and join again`)

/** For an answer that waited for the database. */
export const nobodyThen = (address: string): OperatorError =>
  refusal(
    'unknown_conversation',
    `unknown conversation: nobody in the database had the address ${JSON.stringify(address)} when this came; to reach a guest who has not written, send it to their conversation`,
  )

/** @param address whom nobody knows; it can be a guest's name, so an error that is logged has none */
export const unknownConversation = (address?: number | string): OperatorError => {
  if (address === undefined) return refusal('unknown_conversation')
  const named = namedBy(address)
  const asId = /^-?\d+$/.test(String(address))
    ? `; the id ${address} of a client is a number, or "client-${address}"`
    : ''
  return refusal(
    'unknown_conversation',
    named !== undefined && 'clientId' in named
      ? `unknown conversation: no client has the id ${named.clientId}`
      : `unknown conversation: no guest is connected under ${JSON.stringify(address)}, and no message of a conversation or guest of that name is stored${asId}`,
  )
}

/** While other servers may know more than this one. Ids of clients are in the database, where every server looks. */
export const unknownHere = (address: number | string): OperatorError => {
  const named = namedBy(address)
  return named !== undefined && 'clientId' in named
    ? unknownConversation(address)
    : refusal(
        'conversation_may_be_elsewhere',
        `unknown conversation: nothing is stored under ${JSON.stringify(address)}, and no guest of that name is connected to a server that could be heard of late; send this again later`,
      )
}

export const unknownEvent = (): OperatorError => refusal('unknown_event')

export const rateLimited = (perSecond: number): OperatorError =>
  refusal('rate_limited', `more than ${perSecond} events per second; wait a moment and send this again`)

/** @param scope what has reached its limit: `this connection` or `this server` */
export const tooManyPending = (scope: string): OperatorError =>
  refusal(
    'too_many_pending',
    `too many requests are waiting for an answer on ${scope}; wait for some of them and send this again`,
  )

/** @param scope where they come from, if it is not the whole server */
export const tooManyConnections = (limit: number, scope?: string): OperatorError => {
  const most = [limit, ...(scope === undefined ? [] : [scope])].join(' ')
  return refusal('too_many_connections', `connection limit reached (${most}); connect again later`)
}

/** @param most what the guests of an address may do in a minute */
export const overTraffic = (most: string): OperatorError =>
  refusal('rate_limited', `more than ${most} per minute from this address; wait a moment and send this again`)

export const joinTimeout = (timeoutMs: number): OperatorError =>
  refusal('join_timeout', `no join within ${timeoutMs / 1_000} s; connect again and join`)

export const invalidPacket = (): OperatorError => refusal('invalid_packet')

export const serverClosing = (): OperatorError => refusal('server_closing')
