import { describeTarget, type ConnectionTarget } from '../database/connection-target.js'
import { describeWait } from '../database/waiting/describe-wait.js'
import { createWaitBudget } from '../database/waiting/wait-budget.js'
import { verdictLast, type Answer } from '../terminal/answer.js'
import { printable } from '../terminal/printable.js'
import { count } from '../terminal/render.js'
import type { Terminal } from '../terminal/terminal.js'
import { reconcile, type ReconcileReport } from './reconcile.js'

/** The flags of `chatkeep reconcile`. */
export interface ReconcileFlags {
  readonly dryRun?: true | undefined
  /** Milliseconds. */
  readonly maxWait: number
}

/** Links messages without client, and moves those of merged clients, or counts what would be linked and moved. */
export const runReconcile = async (
  target: ConnectionTarget,
  flags: ReconcileFlags,
  { progress, signal }: Pick<Terminal, 'progress' | 'signal'>,
): Promise<Answer> => {
  const dryRun = flags.dryRun === true
  const name = describeTarget(target)
  progress.line(printable(`reconcile  ${name}  schema ${target.schema ?? 'public'}`))
  const report = await reconcile(target, {
    dryRun,
    signal,
    maxWait: createWaitBudget(flags.maxWait),
    onEvent: (event) => progress.update(describeWait(event)),
    onProgress: (guests, messages) =>
      progress.status(`linking: ${count(guests, 'guest')}, ${count(messages, 'message')}`),
  })
  const { messagesLinked, clientsCreated } = report
  const [linked, created] = dryRun ? ['would be linked', 'would be created'] : ['linked', 'created']
  const verdict = `${count(messagesLinked, 'message')} ${linked}, ${count(clientsCreated, 'client')} ${created}`
  return {
    data: { target: name, dryRun, ...report },
    ...verdictLast(({ paint }) => [...noteLines(report, dryRun), `${paint.green('ok:')} ${verdict}`]),
  }
}

const noteLines = (report: ReconcileReport, dryRun: boolean): readonly string[] => {
  const [moved, marked] = dryRun ? ['would be moved', 'would be marked'] : ['moved', 'marked']
  const notes: readonly (readonly [number, string])[] = [
    [report.messagesMoved, `of clients who were merged ${moved} to the clients who have their other messages`],
    [report.messagesUnverified, `${marked} as unverified: the client of that name was there before the guest wrote`],
    [
      report.messagesLeft,
      `not linked: no client could be found or created for their guests: ${report.reasonsLeft.join('; ')}`,
    ],
    [report.messagesLocked, 'left as they are: locked by another session at the moment; run this again'],
    [report.messagesWaiting, 'not linked: no client has the clientId that they name; run this again once one has'],
    [
      report.messagesOlderThanClient,
      'not linked: the client with the clientId that they name was made after they were stored, so another one may be meant',
    ],
    [report.messagesWithoutName, 'not linked: no guest name'],
  ]
  return [
    ...(report.standby === undefined ? [] : [`counted on a ${report.standby}`]),
    ...notes.flatMap(([messages, note]) =>
      messages === 0 ? [] : [printable(`${count(messages, 'message')} ${note}`)],
    ),
  ]
}
