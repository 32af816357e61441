import type { ChatLog } from '../../chat-log.js'
import type { OperatorError } from '../../errors.js'
import type { Journal } from '../../journal/journal.js'
import { errorFields } from '../error-fields.js'

/** What a probe reports of the journal. */
export interface JournalState {
  readonly journal: 'taking' | 'full' | 'failing'
  /** Number of messages in the journal. */
  readonly waiting: number
}

/** Remembers whether the journal takes messages, and logs each change once. */
export interface JournalHealth {
  state(): JournalState
  /** The journal did not take a message. */
  failed(error: OperatorError): void
  /** The journal took a message, or is empty. */
  works(): void
}

export const createJournalHealth = (journal: Journal, log: ChatLog): JournalHealth => {
  let failure: string | undefined
  return {
    state: () => ({ journal: stateAfter(failure), waiting: journal.waiting }),
    failed: (error) => {
      if (error.code !== failure)
        log.error(
          { event: error.code, ...errorFields(error), journal: journal.path },
          'the journal takes no messages; they are refused',
        )
      failure = error.code
    },
    works: () => {
      // A short message may still fit. Until the longest one that was refused does, too, nothing has changed.
      if (journal.lacksRoom) return
      if (failure !== undefined)
        log.info({ event: 'journal_takes_again', journal: journal.path }, 'the journal takes messages again')
      failure = undefined
    },
  }
}

const stateAfter = (failure: string | undefined): JournalState['journal'] => {
  if (failure === undefined) return 'taking'
  return failure === 'journal_full' || failure === 'journal_disk_full' ? 'full' : 'failing'
}
