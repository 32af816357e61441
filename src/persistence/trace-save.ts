import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api-1.4'
import { OperatorError } from '../errors.js'
import type { SavedChatMessage } from './message.js'
import type { PendingSave } from './pending-save.js'

/** Names of the semantic conventions for databases. */
const SPAN = {
  kind: SpanKind.CLIENT,
  attributes: {
    'db.system.name': 'postgresql',
    'db.operation.name': 'INSERT',
    'db.collection.name': 'ChatMessage',
  },
}

/**
 * Traces a save from its call to its outcome, as a span of the caller's trace. It says how the message fared, and nothing of what it
 * is: no names, texts, keys or ids, nor texts of errors, which may repeat a row.
 * @param saved what became of it unless it is a duplicate or failed; `written` when the caller commits
 * @returns the outcome
 */
export const traceSave = (
  save: PendingSave,
  saved: 'committed' | 'written' = 'committed',
): Promise<SavedChatMessage> => {
  // Does nothing unless the application has registered an SDK. Asked each time: it does so with a copy of the API of its own.
  const span = trace.getTracer('chatkeep').startSpan('INSERT ChatMessage', SPAN)
  if (!span.isRecording()) return save.outcome
  const end = (outcome: string): void => {
    span.setAttributes({ 'chatkeep.save.outcome': outcome, 'chatkeep.save.attempts': save.attempts })
    // By the conventions a single operation is no batch.
    if (save.batchSize > 1) span.setAttribute('db.operation.batch.size', save.batchSize)
    span.end()
  }
  save.outcome.then(
    ({ duplicate }) => end(duplicate ? 'duplicate' : saved),
    (error: unknown) => {
      span.setAttribute('error.type', error instanceof OperatorError ? error.code : '_OTHER')
      span.setStatus({ code: SpanStatusCode.ERROR })
      end('failed')
    },
  )
  return save.outcome
}
