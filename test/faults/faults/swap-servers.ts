import { seen, type Fault } from '../fault.js'
import type { Stage } from '../stage.js'
import { waitFor } from '../wait-for.js'

export const swapServers: Fault = {
  name: 'swap-servers',
  summary: 'all guests and operators of one chat server move to the other and back, twice, with messages under way',
  strike: async (stage) => {
    const before = connections(stage)
    for (let time = 0; time < 2; time += 1) {
      swap(stage, 'away')
      await stage.hold(400, 1_000)
      swap(stage, 'home')
      await stage.hold(400, 1_000)
    }
    return seen([connections(stage) - before, 'connections made anew'])
  },
}

const ENOUGH_QUEUED = 50

export const swapWithJournals: Fault = {
  name: 'swap-with-journals',
  summary:
    'guests whose messages wait in the journal of one server move to the other, and go on there while both are drained',
  strike: async (stage) => {
    const { crowd, database, hold, signal } = stage
    const [before, queued] = [connections(stage), crowd.counts().queued]
    await database.kill()
    await waitFor(() => crowd.counts().queued >= queued + ENOUGH_QUEUED, signal)
    swap(stage, 'away')
    await hold(300, 1_000)
    await database.restart()
    await hold(50, 500)
    swap(stage, 'home')
    return seen(
      [connections(stage) - before, 'connections made anew'],
      [crowd.counts().queued - queued, 'messages queued'],
    )
  },
}

const connections = ({ servers }: Stage): number => servers.reduce((sum, { front }) => sum + front.connections(), 0)

const swap = ({ servers }: Stage, where: 'away' | 'home'): void => {
  const places = servers.map(({ process }) => process.url())
  const order = where === 'away' ? places.toReversed() : places
  for (const [index, { front }] of servers.entries()) {
    front.pointAt(order[index] ?? '')
    front.cut()
  }
}
