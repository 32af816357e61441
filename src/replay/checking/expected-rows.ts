import { toStorablePhone, toStorableText, toUsername } from '../../persistence/prepare-message.js'
import { conversationOf } from '../../protocol/identity.js'
import { bodyOf, contentOfGuestMessage, contentOfOperatorMessage, type ExpectedContent } from './expected-content.js'
import type { OperatorDirectory } from './operator-directory.js'
import type { KeyedMessage } from '../../transcripts/read-transcript.js'
import { guestTokenOf, messageIdOf } from '../../transcripts/replay-key.js'
import type { TranscriptMessage } from '../../transcripts/transcript-line.js'

/** Knows the row that a message has to be found as. */
export type ExpectRow = (message: KeyedMessage) => Promise<ExpectedContent>

/** What a replay through the store leaves. */
export const expectStoreRow =
  (operators: OperatorDirectory): ExpectRow =>
  async ({ message, key }) => ({
    idempotencyKey: key,
    senderType: message.from === 'client' ? 'CLIENT' : 'OPERATOR',
    ...bodyOf(saidOf(message)),
    guestUsername: toUsername(message.username),
    sessionId: toStorableText(message.conversation),
    createdAt: message.at,
    guestPhone: toStorablePhone(message.phone),
    operatorId: await operators.idOfWriter(message),
  })

/** What a replay through the socket leaves: other names of the conversations, and the server's times. */
export const expectSocketRow =
  (operators: OperatorDirectory): ExpectRow =>
  async ({ message, key }) => {
    const guest = { conversation: conversationOf(guestTokenOf(message)), username: message.username }
    const said = { messageId: messageIdOf(key), ...saidOf(message) }
    return message.from === 'client'
      ? contentOfGuestMessage(guest, said)
      : contentOfOperatorMessage(await operators.idOfWriter(message), guest, said)
  }

const saidOf = ({ messageType, text, image }: TranscriptMessage) => ({
  type: messageType === 'IMAGE' ? ('image' as const) : ('text' as const),
  message: text,
  image: image?.url,
  name: image?.name,
  mimeType: image?.mimeType,
})
