import { cutAtWrites } from '../../support/commit-cutter.js'
import type { Tap } from '../../support/cuttable-proxy.js'
import { pick } from '../../bench/random.js'
import { seen, type Fault } from '../fault.js'

/** Of all writes, on each link at another moment. */
const SHARE = 0.2

export const troubleEverywhere: Fault = {
  name: 'trouble-everywhere',
  summary:
    'at once: writes cut on the way and after their commit, sockets cut again and again, sessions ended, chat servers killed',
  strike: async ({ servers, database, random, hold }) => {
    const cutters = servers.map((_, index) =>
      cutAtWrites(index === 0 ? 'with the write under way' : 'after its commit', SHARE),
    )
    const stops = servers.map(({ back }, index) => back.judge(cutters[index]?.makeTap ?? pass))
    for (const { back } of servers) back.cut()
    let kills = 0
    for (let round = 0; round < 6; round += 1) {
      await hold(200, 700)
      const { front, process } = pick(random, servers)
      front.cut()
      await database.administer(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid % 2 = 0 AND usename = 'chat'",
      )
      if (round % 2 === 0) continue
      process.kill()
      kills += 1
      await process.start()
    }
    for (const stop of stops) stop()
    const cuts = cutters.reduce((sum, cutter) => sum + cutter.cuts(), 0)
    return seen([cuts, 'connections cut at writes'], [kills, 'servers killed'])
  },
}

const pass = (): Tap => ({ fromClient: () => 'pass', fromServer: () => 'pass' })
