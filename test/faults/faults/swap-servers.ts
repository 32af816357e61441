import { seen, type Fault } from '../fault.js'

export const swapServers: Fault = {
  name: 'swap-servers',
  summary: 'all guests and operators of one chat server move to the other and back, with messages under way',
  strike: async ({ servers, hold }) => {
    const connections = (): number => servers.reduce((sum, { front }) => sum + front.connections(), 0)
    const before = connections()
    const places = servers.map(({ process }) => process.url())
    for (const order of [places.toReversed(), places, places.toReversed(), places]) {
      for (const [index, { front }] of servers.entries()) {
        front.pointAt(order[index] ?? '')
        front.cut()
      }
      await hold(400, 1_000)
    }
    return seen([connections() - before, 'connections made anew'])
  },
}
