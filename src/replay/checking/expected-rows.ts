import { toStorableText } from '../../persistence/content/storable-text.js'
import { toStorablePhone, toUsername } from '../../persistence/prepare-message.js'
import { conversationOf } from '../../protocol/identity.js'
import { bodyOf, contentOfGuestMessage, contentOfOperatorMessage, type ExpectedContent } from './expected-content.js'
import type { OperatorDirectory } from './operator-directory.js'
import type { KeyedMessage } from '../../transcripts/read-transcript.js'
import { guestTokenOf, messageIdOf } from '../../transcripts/replay-key.js'
import type { TranscriptMessage } from '../../transcripts/transcript-line.js'

/** Returns the row that must be found for a message. */
export type ExpectRow = (message: KeyedMessage) => Promise<ExpectedContent>

/** The row that a replay through the store leaves. */
export const expectStoreRow =
  (operators: OperatorDirectory): ExpectRow =>
  async ({ message, key }) => ({
    idempotencyKey: key,
    senderType: message.from === 'client' ? 'CLIENT' : 'OPERATOR',
    ...bodyOf(saidOf(message)),
    guestUsername: message.named === false ? null : toUsername(message.username),
    sessionId: toStorableText(message.conversation),
    createdAt: message.at,
    guestPhone: toStorablePhone(message.phone),
    operatorId: await operators.idOfWriter(message),
  })

/** The row that a replay through the socket leaves: the server names the conversation and sets the time. */
export const expectSocketRow =
  (operators: OperatorDirectory): ExpectRow =>
  async ({ message, key }) => {
    const guest = { conversation: conversationOf(guestTokenOf(message)), username: message.username }
    const said = { messageId: messageIdOf(key), ...saidOf(message) }
    return message.from === 'client'
      ? contentOfGuestMessage(guest, said)
      : contentOfOperatorMessage(
          { operatorId: await operators.idOfWriter(message), name: operatorNameOf(message) },
          guest,
          said,
        )
  }

/** The operator's name when the transcript has none. */
const NAMELESS_OPERATOR = 'operator'

/** The name under which the writer of an operator's message joins. */
export const operatorNameOf = ({ operator }: TranscriptMessage): string =>
  toUsername(operator ?? '') || NAMELESS_OPERATOR

const saidOf = ({ messageType, text, image }: TranscriptMessage) => ({
  type: messageType === 'IMAGE' ? ('image' as const) : ('text' as const),
  message: text,
  image: image?.url,
  name: image?.name,
  mimeType: image?.mimeType,
})
