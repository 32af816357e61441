import { basename } from 'node:path'
import type { PersonRecord } from '../persistence/erasure/export-person.js'
import type { PersonLine } from './files/scan-files.js'

/** A record as a line of a recording: `replay` reads those of messages, and skips the others. */
export const exportLine = (record: PersonRecord): string => {
  if (record.type !== 'message') return toLine(record)
  const { message: m, clientName } = record
  const owner = m.guestUsername ?? clientName
  return toLine({
    ...{ type: 'message', id: m.idempotencyKey, at: m.createdAt },
    ...{ conversation: m.sessionId ?? owner ?? `client ${m.clientId}`, username: owner ?? m.sessionId ?? '' },
    ...{ from: m.senderType === 'CLIENT' ? 'client' : 'operator', phone: m.guestPhone },
    ...{ messageType: m.messageType === 'IMAGE' ? 'image' : 'text', text: m.text },
    ...{ image: m.imageUrl, imageName: m.imageName, mimeType: m.mimeType, socketId: m.clientSocketId },
    ...{ messageId: m.id, clientId: m.clientId, isRead: m.isRead, readAt: m.readAt, unverified: m.guestUnverified },
  })
}

/** A line of a file, which `replay` skips: its file can be replayed itself. Without the operator who answered. */
export const exportFileLine = ({ path, number, document }: PersonLine): string =>
  toLine({ type: 'file', file: basename(path), line: number, entry: withoutOperator(document) })

const OF_OPERATOR: readonly string[] = ['operator', 'operatorId', 'operatorName']

const withoutOperator = (document: unknown): unknown =>
  JSON.parse(JSON.stringify(document, (name, value: unknown) => (OF_OPERATOR.includes(name) ? undefined : value)))

const toLine = (document: object): string => `${JSON.stringify(document)}\n`

/** The same JSON in ASCII: what is printed on a terminal may be changed where it has signs that control it. */
export const inAscii = (line: string): string =>
  line.replace(/[\u007f-\uffff]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
