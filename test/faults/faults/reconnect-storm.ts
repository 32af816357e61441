import { seen, type Fault } from '../fault.js'

const SOCKETS = 500
const MESSAGES_EACH = 3

export const reconnectStorm: Fault = {
  name: 'reconnect-storm',
  summary: '500 more guests come at once, and all of them come back at once, three times, with messages under way',
  strike: async ({ crowd, servers, hold }) => {
    const connections = (): number => servers.reduce((sum, { front }) => sum + front.connections(), 0)
    const before = connections()
    const visitors = await Promise.all(Array.from({ length: SOCKETS }, () => crowd.invite()))
    const writing = visitors.map(async (visitor) => {
      for (let message = 0; message < MESSAGES_EACH; message += 1) await crowd.write(visitor)
    })
    for (let round = 0; round < 3; round += 1) {
      for (const { front } of servers) front.cut()
      await hold(200, 600)
    }
    await Promise.all(writing)
    await Promise.all(visitors.map(({ client }) => client.close()))
    return seen([connections() - before, 'connections'])
  },
}
