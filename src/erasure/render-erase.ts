import { describeTarget, type ConnectionTarget } from '../database/connection-target.js'
import { describeSteps, toStepDocuments, type NextStep } from '../next-step.js'
import { isNothing, type ClientRow, type PersonPrice } from '../persistence/erasure/erase-person.js'
import { verdictLast, type Answer } from '../terminal/answer.js'
import { printable } from '../terminal/printable.js'
import { byteSize, count, type Render } from '../terminal/render.js'
import { fileLines, leftLines, linesOf, nothingOf } from './files/describe-files.js'
import type { FilePrice } from './files/scan-files.js'
import { describeReferring } from './render-retain.js'

interface Shown {
  readonly target: ConnectionTarget
  readonly price: PersonPrice
  readonly clientRow: ClientRow
  readonly files: readonly FilePrice[]
  /** Files that cannot be read. */
  readonly setAside: readonly string[]
  /** Whether journals and recordings were named. */
  readonly areNamed: boolean
  /** Erases the person without a question. */
  readonly command: NextStep
}

const ELSEWHERE =
  'backups, WAL, standbys that replay later, logs and browsers keep what they hold: docs/erase-and-retain.md'
const OTHER_FILES = 'if serve runs with --journal or --record, name these files too: --journal FILE, --recording FILE'
const IN_USE = 'a server that writes these files must be stopped before they are changed'

/** What is kept of a person. No name, and nothing that was written. */
export const personLines = ({
  price,
  clientRow,
  files,
}: Pick<Shown, 'price' | 'clientRow' | 'files'>): readonly string[] => {
  const {
    clients,
    otherClients,
    messages,
    archivedMessages,
    fromOperators,
    unverified,
    bytes,
    own,
    referringToClients,
    referringToMessages,
  } = price
  const becomes = clientRow === 'delete' ? 'deleted' : 'kept without name and phone; its other columns stay'
  return [
    ...clients.map(({ id, isGuest }) => `client ${id} (${isGuest ? 'made of a guest' : 'registered'}): ${becomes}`),
    ...clients
      .filter(({ isMerged }) => isMerged)
      .map(({ id }) => `note: client ${id} was merged with one that you named: they are one person, with one chat`),
    ...clients
      .filter(({ isRenamed }) => isRenamed)
      .map(({ id }) => `note: client ${id} was renamed: it had the name that you gave, and all of its chat is meant`),
    ...othersLines(otherClients),
    `${count(messages, 'message')}, ${byteSize(bytes)} of texts and images; ${fromOperators.toLocaleString('en-US')} of them answers of operators`,
    ...(unverified === 0
      ? []
      : [
          `note: ${count(unverified, 'message')} of them unverified: written under the name of a registered client, perhaps by somebody else`,
        ]),
    ...(archivedMessages === 0
      ? []
      : [`note: ${count(archivedMessages, 'message')} of them only in the archive of the rollback`]),
    ...own.map(({ table, rows }) => printable(`${table}: ${count(rows, 'row')}`)),
    ...(clientRow === 'delete' ? referringToClients.map(describeReferring) : []),
    ...referringToMessages.map(describeReferring),
    ...fileLines(files),
  ]
}

/** What says that the names that were given lead to clients of other names. */
export const othersLines = (otherClients: readonly string[]): readonly string[] =>
  otherClients.map(
    (id) =>
      `note: client ${id} is not meant: it had a name that you gave, or messages of it were written under one; if it is the same person, add --client-id ${id}`,
  )

/** @param deleted messages; absent after a dry run */
export const eraseAnswer = (
  shown: Shown & { readonly head?: string | undefined; readonly deleted: number | undefined },
): Answer => {
  const { target, price, clientRow, command, head, deleted, files, setAside, areNamed } = shown
  const lines = linesOf(files)
  const isEmpty = isNothing(price) && lines === 0
  const none = nothingOf(files.length > 0)
  const isDryRun = deleted === undefined
  const verdict = ({ paint }: Render): string => {
    if (isDryRun)
      return isEmpty
        ? `dry run: ${none}`
        : `dry run: nothing was changed. Next: ${describeSteps(command, target.naming)}`
    if (isEmpty) return `${paint.green('ok:')} ${none}`
    const clients = `${count(price.clients.length, 'client')} ${clientRow === 'delete' ? 'deleted' : 'anonymised'}`
    const rows = price.own.reduce((sum, one) => sum + one.rows, 0)
    const others = [
      ...(rows === 0 ? [] : [`, ${count(rows, 'row')} of chatkeep's own`]),
      ...(lines === 0 ? [] : [`, ${count(lines, 'line')} of files deleted`]),
    ]
    return `${paint.green('ok:')} ${count(deleted, 'message')} deleted, ${clients}${others.join('')}`
  }
  return {
    data: {
      ...{
        target: describeTarget(target),
        dryRun: isDryRun,
        clientRow,
        ...price,
        files,
        setAside,
        deleted: deleted ?? 0,
      },
      ...(isDryRun && !isEmpty ? { next: toStepDocuments(command, target.naming) } : {}),
    },
    ...verdictLast((render) => [
      ...(head === undefined ? [] : [head]),
      ...(isDryRun && !isEmpty ? personLines(shown) : []),
      ...(isEmpty ? othersLines(price.otherClients) : []),
      ...leftLines(files, setAside),
      ...(isEmpty ? [] : [`note: ${ELSEWHERE}`]),
      ...(areNamed ? [] : [`note: ${OTHER_FILES}`]),
      ...(files.length > 0 && isDryRun && !isEmpty ? [`note: ${IN_USE}`] : []),
      verdict(render),
    ]),
  }
}
