import { ExitCode, OperatorError } from '../../errors.js'
import { SchemaNotReady } from '../../persistence/errors.js'
import type { Answer } from '../../client/chat-connection.js'

type Refusal = Extract<Answer, { readonly ok: false }>

/** The error for a refusal of the chat server that is not about one message. */
export const refusalOf = ({ error: { code, message } }: Refusal): OperatorError => {
  if (code === 'schema_not_ready') return new SchemaNotReady('the chat server says so', new Error(message))
  return new OperatorError('refused_by_chat_server', `the chat server refuses: ${message}`, {
    hint: code === 'unauthorized' ? 'put its operator secret into CHATKEEP_OPERATOR_SECRET' : undefined,
    exitCode: ExitCode.no,
  })
}
