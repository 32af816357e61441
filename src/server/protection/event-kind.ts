/** What has a rate of its own: many of one kind cost none of another. */
export type EventKind = 'join' | 'typing' | 'unknown' | 'request'

const KINDS: ReadonlyMap<string, EventKind> = new Map([
  ['join', 'join'],
  ['clientTyping', 'typing'],
  ['operatorTyping', 'typing'],
  ['unknown', 'unknown'],
])

/** @param event as the server calls it: every event of an unknown name is `unknown` */
export const kindOf = (event: string): EventKind => KINDS.get(event) ?? 'request'

/** Whether the event says who types: only the last one matters. */
export const isTyping = (event: string): boolean => kindOf(event) === 'typing'
