import type { Tap } from './cuttable-proxy.js'
import { readMessages } from './wire-messages.js'

/**
 * What to do at a statement. `cut before`: the server never gets it. `cut after`: the server executes it, and its answer
 * never arrives. A function is called while the statement is passed on.
 */
export type AtStatement = 'pass' | 'cut before' | 'cut after' | (() => void)

/** Identifies a statement by its text and, as every COMMIT reads the same, by the last distinctive statement before it. */
export type Judge = (statement: string) => AtStatement

/** Statements that open a transaction or only read: their text is enough. */
const OPENING = /^(?:BEGIN|START|ROLLBACK|RESET|SET|SELECT)\b/i

/** Statements that end a step; all steps share the text. */
const ENDING =
  /^(?:COMMIT\b|INSERT INTO "chatkeep[^"]*"\."(?:migrations|runs)"|DELETE FROM "chatkeep[^"]*"\."migrations")/i

/** Asks `judge` about each statement as the client sends it. */
export const watchStatements = (judge: Judge) => (): Tap => {
  const readClient = readMessages('client')
  const readServer = readMessages('server')
  let place = ''
  let isLast = false
  const atStatement = (sql: string): AtStatement => {
    // The function of the trigger names the session that may switch it off, and each session pins its settings with its own id.
    const text = sql
      .replace(/--.*/g, '')
      .replace(/(?<=pg_backend_pid\(\) (?:=|OPERATOR\(pg_catalog\.<>\)) )\d+/, 'N')
      // The channel of the question whether a pooler shares sessions.
      .replace(/(?<=chatkeep_)[0-9a-f]{32}/, 'N')
      .replace(/\s+/g, ' ')
      .trim()
    if (OPENING.test(text)) return judge(text)
    if (ENDING.test(text)) return judge(`${text}   -- after: ${place}`)
    place = text.slice(0, 200)
    return judge(text)
  }
  return {
    fromClient: (bytes) => {
      for (const { type, body } of readClient(bytes)) {
        if (type !== 'Q' && type !== 'P') continue
        const [first = '', second = ''] = body.toString().split('\0', 2)
        const verdict = atStatement(type === 'Q' ? first : second)
        if (verdict === 'cut before') return 'drop, and cut'
        if (verdict === 'cut after') isLast = true
        else if (verdict !== 'pass') verdict()
      }
      return 'pass'
    },
    // The client sends one statement at a time, so the next "ready" is the answer to this one.
    fromServer: (bytes) => (readServer(bytes).some(({ type }) => type === 'Z') && isLast ? 'drop, and cut' : 'pass'),
  }
}
