import { describeWait, seconds, status } from '../../database/waiting/describe-wait.js'
import type { ProgressUpdate } from '../../terminal/progress.js'
import type { MigrationEvent } from './events.js'

/** Describes an event in one line, and says whether the line stays on screen. */
export const describeEvent = (event: MigrationEvent): ProgressUpdate => {
  switch (event.type) {
    case 'done':
      return {
        event,
        text: `${event.action.padEnd(8)} ${event.migration}  ${Math.round(event.durationMs)} ms`,
        kind: 'line',
        key: '',
      }
    case 'batches':
      return status(event, event.what, `${event.what}: ${event.percent} % (${seconds(event)})`)
    default:
      return describeWait(event)
  }
}
