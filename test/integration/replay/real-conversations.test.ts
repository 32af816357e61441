import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { migrated, on } from '../../support/chat.js'
import { describe, expect, test } from '../../support/database.js'

/** Conversations of real people are no part of the project; whoever has some puts them there, as `*.small.ndjson`. */
const folder = process.env.CHATKEEP_TRANSCRIPTS ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url))
const transcripts = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.small.ndjson')) : []

/** A socket for every guest takes ten times as long: the oddest names, and the one with operators. */
const THROUGH_THE_SOCKET = ['ubuntu-irc.small.ndjson', 'ubuntu-irc-threads.small.ndjson']
const transcriptsThrough = {
  store: transcripts,
  socket: transcripts.filter((name) => THROUGH_THE_SOCKET.includes(name)),
}

describe.skipIf(transcripts.length === 0)(
  transcripts.length === 0
    ? 'real conversations: skipped, CHATKEEP_TRANSCRIPTS names no folder of them'
    : 'real conversations',
  () => {
    for (const way of ['store', 'socket'] as const) {
      test.for(transcriptsThrough[way])(
        `through the ${way} are all saved, and none a second time: %s`,
        async (name, { database }) => {
          await migrated(database)
          const replay = async () => {
            const { stdout } = await on(database, 'replay', join(folder, name), '--through', way, '--json')
            return JSON.parse(stdout) as {
              readonly ok: boolean
              readonly attempted: number
              readonly saved: number
              readonly duplicates: number
            }
          }
          const first = await replay()
          expect(first).toMatchObject({ ok: true, saved: first.attempted, duplicates: 0 })
          expect(first.attempted).toBeGreaterThan(1_000)
          expect(await replay()).toMatchObject({
            ok: true,
            attempted: first.attempted,
            saved: 0,
            duplicates: first.attempted,
          })
        },
      )
    }
  },
)
