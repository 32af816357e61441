import { performance } from 'node:perf_hooks'
import type { OperationLogFile } from './file.js'
import type { ReadBack } from '../checking/read-back.js'
import type { Sender } from '../sending/sender.js'

/**
 * Logs a run for Jepsen's `set` checker (every acknowledged value is in the final read, and no value that was not
 * attempted): one operation a line; its value is the idempotency key of the row.
 */
export interface OperationLog {
  /** The same sender, with the begin and end of each message logged. */
  recordSender(sender: Sender): Sender
  /** The same read-back, with every key that it finds logged in the final read. */
  recordReads(readBack: ReadBack): ReadBack
  /** Ends the final read, if it began: as `ok` when everything was read, else as `info`. */
  endRead(type: 'ok' | 'info'): Promise<void>
}

interface UnderWay {
  readonly process: number
  readonly value: string
}

export const createOperationLog = (file: OperationLogFile): OperationLog => {
  const startedAt = performance.now()
  const underWay = new Map<number, UnderWay>()
  const idle: number[] = []
  let [operations, processes] = [0, 0]
  let read: { isEmpty: boolean } | undefined

  const head = (f: 'add' | 'read', process: number): string => {
    const time = Math.round((performance.now() - startedAt) * 1e6)
    return `{"index":${operations++},"time":${time},"process":${process},"f":"${f}"`
  }
  const line = (type: string, { process, value }: UnderWay): string =>
    `${head('add', process)},"value":${JSON.stringify(value)},"type":"${type}"}\n`

  // A process has one operation at a time; after one without an answer it is not used again.
  const begin = async (messageLine: number, value: string): Promise<void> => {
    const operation = { process: idle.pop() ?? processes++, value }
    underWay.set(messageLine, operation)
    await file.write(line('invoke', operation))
  }
  const end = (messageLine: number, type: 'ok' | 'fail'): void => {
    const operation = underWay.get(messageLine)
    if (operation === undefined) return
    underWay.delete(messageLine)
    idle.push(operation.process)
    file.queue(line(type, operation))
  }

  const beginRead = async (): Promise<void> => {
    if (read !== undefined) return
    read = { isEmpty: true }
    for (const operation of underWay.values()) file.queue(line('info', operation))
    await file.write(`${head('read', processes)},"value":null,"type":"invoke"}\n${head('read', processes)},"value":[`)
  }
  const addToRead = async (keys: readonly (string | null)[]): Promise<void> => {
    await beginRead()
    const known = keys.filter((key) => key !== null)
    if (known.length === 0 || read === undefined) return
    await file.write((read.isEmpty ? '' : ',') + known.map((key) => JSON.stringify(key)).join(','))
    read.isEmpty = false
  }

  return {
    recordSender: (sender) => ({
      ...sender,
      open: (onOutcome) => {
        const intake = sender.open((messageLine, outcome) => {
          end(messageLine, outcome.kind === 'rejected' ? 'fail' : 'ok')
          onOutcome(messageLine, outcome)
        })
        return {
          ...intake,
          push: async (name, item, weight) => {
            await begin(item.line, (await sender.expectedRow(item)).idempotencyKey)
            await intake.push(name, item, weight)
          },
        }
      },
    }),
    recordReads: (readBack) => ({
      ...readBack,
      rowsByKey: async (keys) => {
        const rows = await readBack.rowsByKey(keys)
        await addToRead(rows.map(({ idempotencyKey }) => idempotencyKey))
        return rows
      },
    }),
    endRead: async (type) => {
      if (read === undefined) await Promise.all([...underWay.values()].map((one) => file.write(line('info', one))))
      else await file.write(`],"type":"${type}"}\n`)
    },
  }
}
