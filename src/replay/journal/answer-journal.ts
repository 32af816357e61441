import type { TranscriptInput } from '../../transcripts/transcript-input.js'
import { verdictLast, type Answer } from '../../terminal/answer.js'
import { checkJournalRequest, type ReplayRequest } from '../replay-request.js'
import { isJournalClean, replayJournal, type JournalReplayOptions } from './replay-journal.js'
import { journalData, renderJournalReport } from './report.js'

/** Replays a journal. @throws OperatorError `usage` for flags that apply to transcripts only */
export const answerJournal = async (
  input: TranscriptInput,
  request: ReplayRequest,
  options: Omit<JournalReplayOptions, 'checkOnly'>,
): Promise<Answer> => {
  checkJournalRequest(request)
  const report = await replayJournal(input, { ...options, checkOnly: request.checkOnly === true })
  return {
    exitCode: isJournalClean(report) ? 0 : 1,
    data: { transcript: input.name, ...journalData(report) },
    ...verdictLast((render) => renderJournalReport(report, render)),
  }
}
