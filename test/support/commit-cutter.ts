import type { Tap } from './cuttable-proxy.js'
import { readMessages, type WireMessage } from './wire-messages.js'

/** Where a connection is cut: the three are all that a client can be left with, and it cannot tell them apart. */
export type Moment = 'before the write arrives' | 'with the write under way' | 'after its commit'

/** Cuts connections at writes of messages. */
export interface CommitCutter {
  /** For one connection. */
  readonly makeTap: () => Tap
  /** How often a connection was cut. */
  readonly cuts: () => number
}

/** Statements after which a message may be there; prepared ones are recognised by name. */
const WRITE = /\b(?:INSERT|MERGE|COPY)\b[^;]*"ChatMessage"/i
const COMMIT = /^\s*(?:COMMIT|END)\b/i

/** Multiples of it spread evenly over the unit and never repeat: so no way of trying again is in step with the cuts for ever. */
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2

/**
 * Follows the protocol between client and server just as far as to know where a write of messages begins and where it is committed.
 * @param share of such points at which to cut: before its commit a transaction has two (the statement and its COMMIT), a
 *   statement that is its own transaction has one; after the commit there is one in any case
 * @param onCut told of every cut before the bytes in question are lost or passed on
 */
export const cutAtWrites = (moment: Moment, share: number, onCut: () => void = () => undefined): CommitCutter => {
  let points = 0
  let cuts = 0
  const reachPoint = (): boolean => {
    const isCut = (points * GOLDEN_RATIO) % 1 < share
    points += 1
    if (!isCut) return false
    cuts += 1
    onCut()
    return true
  }
  const makeTap = (): Tap => {
    const statements = new Map<string, string>()
    const readClient = readMessages('client')
    const readServer = readMessages('server')
    // One entry for each answer that the server still owes: whether what it answers was a write.
    const owed: boolean[] = []
    let isWrite = false
    let hasUncommittedWrite = false

    const begins = (sql = ''): boolean => {
      if (isWrite) return false
      isWrite = WRITE.test(sql) || (hasUncommittedWrite && COMMIT.test(sql))
      return isWrite
    }
    const sqlOf = ({ type, body }: WireMessage): string | undefined => {
      const [first = '', second = ''] = body.toString('latin1').split('\0', 2)
      if (type === 'Q') return first
      if (type === 'P') statements.set(first, second)
      return type === 'B' ? statements.get(second) : undefined
    }
    return {
      fromClient: (bytes) => {
        for (const message of readClient(bytes)) {
          const begun = begins(sqlOf(message))
          if (begun && moment === 'before the write arrives' && reachPoint()) return 'drop, and cut'
          if (message.type !== 'S' && message.type !== 'Q') continue
          if (isWrite && moment === 'with the write under way' && reachPoint()) return 'pass, then cut'
          owed.push(isWrite)
          isWrite = false
        }
        return 'pass'
      },
      fromServer: (bytes) => {
        for (const { type, body } of readServer(bytes)) {
          if (type === 'E') owed[0] = false
          if (type !== 'Z') continue
          hasUncommittedWrite ||= owed.shift() ?? false
          if (body.toString() !== 'I') continue
          const isCommitted = hasUncommittedWrite
          hasUncommittedWrite = false
          if (isCommitted && moment === 'after its commit' && reachPoint()) return 'drop, and cut'
        }
        return 'pass'
      },
    }
  }
  return { makeTap, cuts: () => cuts }
}
