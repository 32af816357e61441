import type { Tap } from './cuttable-proxy.js'
import { readMessages } from './wire-messages.js'

/**
 * What to do at a statement. `cut before`: the server never gets it. `cut after`: the server has carried it out, and its
 * answer never arrives. A function is called while the statement is passed on.
 */
export type AtStatement = 'pass' | 'cut before' | 'cut after' | (() => void)

/** A statement by its text, and by the last one before it that says where the command is: every COMMIT reads the same. */
export type Judge = (statement: string) => AtStatement

/** What stands around the statements that matter, and reads the same everywhere. */
const FRAME =
  /^\s*(?:BEGIN|START|COMMIT|ROLLBACK|SET|SELECT|WITH|INSERT INTO "?(?:migrations|chatkeep_runs)|DELETE FROM "migrations")\b/i

/** Asks the judge about each statement of a connection, as its client sends it. */
export const watchStatements = (judge: Judge) => (): Tap => {
  const readClient = readMessages('client')
  const readServer = readMessages('server')
  let place = ''
  let isLast = false
  const atStatement = (sql: string): AtStatement => {
    const text = sql.replace(/--.*/g, '').replace(/\s+/g, ' ').trim()
    if (!FRAME.test(text)) place = text
    return judge(place === text ? text : `${text}   -- after: ${place.slice(0, 200)}`)
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
