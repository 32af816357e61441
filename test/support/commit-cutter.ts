import type { Tap } from './cuttable-proxy.js'
import { readMessages, type WireMessage } from './wire-messages.js'

/** Where a connection is cut. These are all the cases there are, and a client cannot tell them apart. */
export type Moment = 'before the write arrives' | 'with the write under way' | 'after its commit'

/** Cuts connections at writes of messages. */
export interface CommitCutter {
  /** Makes the tap of one connection. */
  readonly makeTap: () => Tap
  /** The number of cuts so far. */
  readonly cuts: () => number
}

/** Statements that may store a message; prepared ones are recognised by name. */
const WRITE = /\b(?:INSERT|MERGE|COPY)\b[^;]*"ChatMessage"/i
const COMMIT = /^\s*(?:COMMIT|END)\b/i

/** Its multiples spread evenly over the unit interval and never repeat, so retries cannot stay in step with the cuts. */
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2

/**
 * Follows the protocol just far enough to see where a write of messages begins and where it is committed.
 * @param share of such points at which to cut: before its commit a transaction has two (the statement and its COMMIT), a
 *   statement that is its own transaction has one; after the commit there is one in any case
 * @param onCut called for each cut, before its bytes are dropped or passed on
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
    // One entry for each answer that the server still owes: true when it answers a write.
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
