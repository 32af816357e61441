import type { GuestRows } from './guest-rows.js'

/** What one case observed in the database and over the socket. */
export interface Observation {
  readonly username: string
  /** The texts that were acknowledged, in their order. */
  readonly texts: readonly string[]
  readonly rows: GuestRows
  /** Id of the client that existed before, null when it is missing; undefined for a new guest. */
  readonly existingClientId?: number | null | undefined
  /** Texts that history showed to the returning guest; undefined when the case does not read it. */
  readonly history?: readonly string[] | undefined
}

export interface CaseResult {
  readonly name: string
  readonly expected: string
  /** What is wrong, or what was found as expected. */
  readonly found: string
  readonly ok: boolean
}

/** Judges what a case observed; the same rules hold for all cases. */
export const judgeCase = (name: string, expected: string, observation: Observation): CaseResult => {
  const problems = problemsOf(observation)
  const ok = problems.length === 0
  return { name, expected, found: ok ? describe(observation) : problems.join('; '), ok }
}

const problemsOf = ({ username, texts, rows, existingClientId, history }: Observation): readonly string[] => {
  const { clientIds, messages } = rows
  const problems: string[] = []
  for (const text of texts) {
    const found = messages.filter((message) => message.text === text).length
    if (found !== 1) problems.push(`the message "${text}" was acknowledged and was found ${found} times`)
  }
  if (messages.length > texts.length) problems.push(`${messages.length} messages instead of ${texts.length}`)
  if (clientIds.length !== 1) problems.push(`${clientIds.length} clients have the name ${username} instead of one`)
  const [clientId] = clientIds
  for (const message of messages) {
    if (message.clientId === null) problems.push(`message ${message.id} has no clientId`)
    else if (message.clientId !== clientId) problems.push(`message ${message.id} belongs to client ${message.clientId}`)
  }
  if (existingClientId !== undefined && clientId !== existingClientId) {
    problems.push(`the client was ${existingClientId ?? 'missing'} and is ${clientId ?? 'missing'}`)
  }
  if (history !== undefined && history.join('\n') !== texts.join('\n')) {
    problems.push(`the history over the socket shows ${history.length} messages: ${JSON.stringify(history)}`)
  }
  return problems
}

const describe = ({ username, rows: { clientIds, messages }, history }: Observation): string => {
  const ids = messages.map(({ id }) => id).join(', ')
  const shown = history === undefined ? '' : `; the history over the socket shows ${history.length}`
  return `${messages.length === 1 ? 'message' : 'messages'} ${ids} with clientId ${clientIds.join(', ')} and guestUsername ${username}${shown}`
}
