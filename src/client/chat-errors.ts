import { shortened } from '../check-options.js'
import { ExitCode, OperatorError, type OperatorErrorOptions } from '../errors.js'

/** A message was not acknowledged. */
abstract class MessageNotAcknowledged extends OperatorError {
  constructor(
    code: string,
    message: string,
    readonly messageId: string,
    /** Whether the message may be stored nevertheless; sending it again with its `messageId` is safe and finds out. */
    readonly mayBeStored: boolean,
    options: OperatorErrorOptions,
  ) {
    super(code, message, options)
  }
}

/** The message was refused for good, by the chat server, or by the client because no server would take it. `code` is the server's error code. */
export class MessageRefused extends MessageNotAcknowledged {
  override readonly name = 'MessageRefused'
  constructor(code: string, reason: string, messageId: string, mayBeStored: boolean) {
    super(code, `message ${shortened(messageId)} was refused: ${reason}`, messageId, mayBeStored, {
      exitCode: ExitCode.no,
    })
  }
}

/** The chat server gave no final answer within `patienceMs`. */
export class MessageUnanswered extends MessageNotAcknowledged {
  override readonly name = 'MessageUnanswered'
  constructor(cause: OperatorError, messageId: string, mayBeStored: boolean) {
    super(
      cause.code,
      `message ${shortened(messageId)} was not acknowledged: ${cause.message}`,
      messageId,
      mayBeStored,
      {
        cause,
        hint: cause.hint,
        exitCode: cause.exitCode,
        retryable: true,
      },
    )
  }
}

/** The client was closed before the message was acknowledged. */
export class ChatClientClosed extends MessageNotAcknowledged {
  override readonly name = 'ChatClientClosed'
  constructor(
    messageId: string,
    mayBeStored: boolean,
    /** All messages that were not acknowledged when the client was closed, in order. */
    readonly messageIds: readonly string[],
  ) {
    const others = messageIds.length > MOST_NAMED ? ` and ${messageIds.length - MOST_NAMED} more` : ''
    const named = messageIds.slice(0, MOST_NAMED).map(shortened).join(', ')
    super(
      'chat_client_closed',
      `the chat client is closed; not acknowledged: ${named}${others}`,
      messageId,
      mayBeStored,
      { exitCode: ExitCode.unreachable, retryable: true },
    )
  }
}

/** Bounds the length of the text, as the length of each id is bounded. */
const MOST_NAMED = 20
