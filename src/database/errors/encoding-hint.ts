import { shell, type NextStep } from '../../next-step.js'
import { hasSqlState, SqlState } from '../sql-state.js'

/** Where to read on about an error of text that the database cannot store, or that it stored unchecked and cannot send. */
export const encodingHint = (error: unknown): NextStep | undefined =>
  hasSqlState(error, SqlState.untranslatableCharacter, SqlState.characterNotInRepertoire)
    ? shell('chatkeep explain encoding_not_utf8', 'the encoding of the database may be the reason')
    : undefined
