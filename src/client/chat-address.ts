import { quoted, shortened } from '../check-options.js'
import { InvalidCall } from '../invalid-call.js'

/** Where a chat server listens, in Socket.IO's terms. */
export interface ChatAddress {
  /** For messages: without a password, of reasonable length. */
  readonly url: string
  readonly origin: string
  readonly path: string
}

const DEFAULT_PATH = '/chat'

/**
 * Parses the URL that `chatkeep serve` prints. Socket.IO itself would take its path for a namespace.
 * @throws InvalidCall `invalid_chat_url`
 */
export const parseChatUrl = (text: string): ChatAddress => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new InvalidCall(
      'invalid_chat_url',
      `${text.includes('@') ? 'url' : quoted(text)} is not a URL of a chat server`,
      {
        hint: 'use the URL that chatkeep serve prints, such as http://127.0.0.1:3001/chat',
      },
    )
  }
  const { origin, pathname } = url
  const path = pathname.replace(/\/+$/, '')
  return { url: shortened(path === '' ? origin : origin + pathname), origin, path: path === '' ? DEFAULT_PATH : path }
}
