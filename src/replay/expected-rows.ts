import { toStorablePhone, toStorableText, toUsername } from '../persistence/prepare-message.js'
import { conversationOf, idempotencyKeyOf, operatorSender } from '../server/identity.js'
import type { OperatorDirectory } from './operator-directory.js'
import type { KeyedMessage } from './read-transcript.js'
import { guestTokenOf, messageIdOf } from './replay-key.js'
import type { ExpectedContent } from './sender.js'
import type { TranscriptMessage } from './transcript-line.js'

/** Knows the row that a message has to be found as. */
export type ExpectRow = (message: KeyedMessage) => Promise<ExpectedContent>

/** What a replay through the store leaves. */
export const expectStoreRow =
  (operators: OperatorDirectory): ExpectRow =>
  async ({ message, key }) => ({
    idempotencyKey: key,
    senderType: message.from === 'client' ? 'CLIENT' : 'OPERATOR',
    ...bodyOf(message),
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
    const conversation = conversationOf(guestTokenOf(message))
    const isGuest = message.from === 'client'
    const operatorId = await operators.idOfWriter(message)
    const sender = isGuest ? conversation : operatorSender(operatorId)
    return {
      idempotencyKey: idempotencyKeyOf(sender, messageIdOf(key)),
      senderType: isGuest ? 'CLIENT' : 'OPERATOR',
      ...bodyOf(message),
      guestUsername: toUsername(message.username),
      sessionId: conversation,
      createdAt: null,
      operatorId,
    }
  }

const bodyOf = ({ messageType = 'TEXT', text, image }: TranscriptMessage) => ({
  messageType,
  text: storable(text),
  imageUrl: storable(image?.url),
  imageName: storable(image?.name),
  mimeType: storable(image?.mimeType),
})

const storable = (text: string | null | undefined): string | null => (text == null ? null : toStorableText(text))
