import * as z from 'zod'
import type { RowIdOf } from '../support/row-ids.js'
import { bytes, createColumn, words, type Column } from './column.js'

/** What the servers have told anybody about messages, by the ids they named. */
export interface Broadcasts {
  /** Takes the payload of an event that tells of a message; each listener is to hear of a message once. */
  readonly hear: (payload: unknown, listener: number) => void
  /** Whether an id was never told, or with this content. */
  readonly agreesWith: (id: number, content: Content) => boolean
  readonly wasHeard: (id: number) => boolean
  /** How many one listener was told of more than once: a server that dies cannot know whom it has told. */
  readonly countHeardTwice: () => number
  readonly largestId: () => number
  readonly count: () => number
}

export interface Content {
  readonly conversation: string
  readonly text: string | null
  readonly image: string | null
}

const schema = z.object({
  id: z.union([z.number(), z.string()]),
  from: z.string().optional(),
  clientId: z.string().optional(),
  message: z.string().optional(),
  image: z.string().optional(),
})

/** All guests are one listener: a message goes to one of them. */
export const GUESTS = 0
export const operatorListener = (index: number): number => index + 1

/** Told twice, with different contents: no content agrees with it. */
const CONTRADICTED = 1

export const createBroadcasts = (rowIdOf: RowIdOf): Broadcasts => {
  const hashes = createColumn(words)
  const heard = new Map<number, Column>()
  const twice = new Set<number>()
  let largest = 0
  let count = 0

  const note = (id: number, listener: number): void => {
    const column = heard.get(listener) ?? createColumn(bytes)
    heard.set(listener, column)
    if (column.get(id) === 1) twice.add(id)
    column.set(id, 1)
  }

  return {
    hear: (payload, listener) => {
      const { id: told, from, clientId, message, image } = schema.parse(payload)
      const id = rowIdOf(told)
      const hash = hashOf({ conversation: from ?? clientId ?? '', text: message ?? null, image: image ?? null })
      const before = hashes.get(id)
      if (before === 0) count += 1
      hashes.set(id, before === 0 || before === hash ? hash : CONTRADICTED)
      note(id, listener)
      largest = Math.max(largest, id)
    },
    agreesWith: (id, content) => hashes.get(id) === 0 || hashes.get(id) === hashOf(content),
    wasHeard: (id) => hashes.get(id) !== 0,
    countHeardTwice: () => twice.size,
    largestId: () => largest,
    count: () => count,
  }
}

/** FNV-1a over UTF-16 units; never 0 or 1, which have a meaning. */
const hashOf = ({ conversation, text, image }: Content): number => {
  let hash = 0x811c9dc5
  for (const part of [conversation, '\n', text ?? '', '\n', image ?? '']) {
    for (let index = 0; index < part.length; index += 1) {
      hash = Math.imul(hash ^ part.charCodeAt(index), 0x01000193)
    }
  }
  return Math.max(hash >>> 0, 2)
}
