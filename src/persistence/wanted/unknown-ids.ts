import type { SavedChatMessage } from '../message.js'
import type { PreparedMessage } from '../prepare-message.js'

/** What is missing in a stored message. */
export interface Lacks {
  /** Whether chatkeep's own table has the id of the client that it waits for. */
  readonly waits: boolean
  /** Whether it is stored without operator. */
  readonly lacksOperator: boolean
}

/** Which ids of a message are not in its row. By its guest's name it may have been linked to another client than it names. */
export const unknownIds = (
  { clientId, operatorId }: PreparedMessage,
  stored: { readonly clientId: unknown },
  { waits, lacksOperator }: Lacks,
): Pick<SavedChatMessage, 'unknownClientId' | 'waitsForClient' | 'unknownOperatorId'> => ({
  ...(clientId !== null && stored.clientId === null ? { unknownClientId: clientId, waitsForClient: waits } : {}),
  ...(operatorId !== null && lacksOperator ? { unknownOperatorId: operatorId } : {}),
})
