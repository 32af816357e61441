import type { IncomingMessage } from 'node:http'
import type { ChatLog } from '../../chat-log.js'
import { createSerialQueues } from '../../concurrency/serial-queues.js'
import { withDeadline } from '../../concurrency/with-deadline.js'
import type { ChatStore } from '../../persistence/chat-store.js'
import type { Operator } from '../../protocol/participants.js'
import {
  inactiveOperator,
  operatorsDisabled,
  removedOperator,
  tooManyGuesses,
  wrongOperatorSecret,
} from '../../protocol/refusals.js'
import { errorFields } from '../error-fields.js'
import type { GuessGuard } from '../protection/guess-guard.js'
import { isOperatorSecret } from '../protection/operator-secret.js'
import type { WarnRarely } from '../../rare-log.js'
import type { RemoteAddress } from '../protection/remote-address.js'
import type { NamedOperator } from '../named-operator.js'
import { askApplication, type ApplicationOperator, type AuthenticateOperator } from './ask-application.js'
import type { OperatorList } from './operator-list.js'

/** What an operator says at the join. */
export interface OperatorClaim {
  readonly name: string
  readonly operatorId?: number | null | undefined
  readonly token?: unknown
}

export interface AdmittedOperator {
  readonly participant: Operator
  /** The line of the file that the token is in. */
  readonly named?: NamedOperator | undefined
}

/** Decides who may join as an operator, and as whom. */
export interface OperatorAccess {
  /** @throws OperatorError that refuses the join */
  admit(request: IncomingMessage, claim: OperatorClaim): Promise<AdmittedOperator>
  /** The operators of the file. */
  named(): readonly NamedOperator[]
}

interface AccessParts {
  readonly operatorSecret: string | undefined
  readonly operators: OperatorList | undefined
  readonly authenticateOperator: AuthenticateOperator | undefined
  /** Absent when inactive operators may join. */
  readonly store: Pick<ChatStore, 'getInactiveOperators'> | undefined
  readonly addressOf: RemoteAddress
  readonly guessGuard: GuessGuard
  readonly log: ChatLog
  readonly warnRarely: WarnRarely
}

/** The database is asked no longer: an operator must be able to join while it is unavailable. */
const DATABASE_WITHIN_MS = 2_000

export const createOperatorAccess = (parts: AccessParts): OperatorAccess => {
  const { operatorSecret, operators, authenticateOperator, addressOf, guessGuard, log } = parts
  const inTurn = createSerialQueues()
  const isDisabled = operatorSecret === undefined && operators === undefined && authenticateOperator === undefined

  // An early join is refused unseen: otherwise the wait would not slow down a guesser.
  const refuseEarly = (address: string): void => {
    const waitMs = guessGuard.waitMs(address)
    if (waitMs === 0) return
    guessGuard.refused(address, 'early')
    throw isDisabled ? operatorsDisabled() : tooManyGuesses(waitMs)
  }

  const refuseWrong = (address: string): never => {
    guessGuard.refused(address, 'wrong')
    throw isDisabled ? operatorsDisabled() : wrongOperatorSecret()
  }

  const known = ({ name, operatorId, token }: OperatorClaim): AdmittedOperator | undefined => {
    const named = operators?.find(token)
    if (named !== undefined) return { participant: operator(named), named }
    const isShared = operatorSecret !== undefined && isOperatorSecret(token, operatorSecret)
    return isShared ? { participant: operator({ name, operatorId }) } : undefined
  }

  const recognise = async (request: IncomingMessage, claim: OperatorClaim): Promise<AdmittedOperator> => {
    const address = addressOf(request)
    refuseEarly(address)
    const admitted = known(claim)
    if (admitted !== undefined) return admitted
    if (authenticateOperator === undefined) return refuseWrong(address)
    // One question at a time: those that wait are refused once the earlier ones were wrong.
    return inTurn(address, async () => {
      refuseEarly(address)
      const token = typeof claim.token === 'string' ? claim.token : undefined
      const identity = await askApplication(log, () =>
        authenticateOperator(token, { address, headers: request.headers }),
      )
      return identity === undefined ? refuseWrong(address) : { participant: operator(identity) }
    })
  }

  return {
    named: () => operators?.all() ?? [],
    admit: async (request, claim) => {
      const admitted = await recognise(request, claim)
      await refuseInactive(parts, admitted.participant)
      // Meanwhile the file may have changed.
      if (admitted.named !== undefined && operators?.has(admitted.named) === false) throw removedOperator()
      return admitted
    },
  }
}

const operator = ({ name, operatorId }: ApplicationOperator): Operator => ({
  role: 'operator',
  operatorId: operatorId ?? null,
  name,
})

/** Trouble of the database refuses nobody. */
const refuseInactive = async ({ store, warnRarely }: AccessParts, { operatorId }: Operator): Promise<void> => {
  if (store === undefined || operatorId === null) return
  try {
    const inactive = await withDeadline(DATABASE_WITHIN_MS, () => store.getInactiveOperators([operatorId]))
    if (!inactive.includes(operatorId)) return
  } catch (error) {
    warnRarely({ event: 'activity_unknown', ...errorFields(error) }, 'whether operators are active is not known')
    return
  }
  warnRarely({ event: 'operator_inactive', operatorId }, 'operator refused: not active')
  throw inactiveOperator()
}
