import { ExitCode, OperatorError } from '../../errors.js'
import { SchemaNotReady } from '../../persistence/errors.js'
import type { Answer } from '../../client/answer.js'

type Refusal = Extract<Answer, { readonly ok: false }>

/** The error that ends a run when the chat server refuses more than one message. */
export const refusalOf = ({ error: { code, message } }: Refusal): OperatorError => {
  if (code === 'schema_not_ready') return new SchemaNotReady('the chat server reports it', new Error(message))
  return new OperatorError('refused_by_chat_server', `the chat server refused: ${message}`, {
    hint: code === 'unauthorized' ? 'set CHATKEEP_OPERATOR_SECRET to its operator secret' : undefined,
    exitCode: ExitCode.no,
  })
}
