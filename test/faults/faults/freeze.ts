import { pick } from '../../bench/random.js'
import { seen, type Fault } from '../fault.js'

export const freezeDatabase: Fault = {
  name: 'freeze-database',
  summary: 'SIGSTOP to every process of the database server, SIGCONT after seconds',
  strike: async ({ database, hold }) => {
    const frozen = await database.freeze()
    await hold(2_000, 12_000)
    database.thaw()
    return seen([frozen, 'processes stood still'])
  },
}

export const freezeChat: Fault = {
  name: 'freeze-chat',
  summary: 'SIGSTOP to a chat server, SIGCONT after seconds',
  strike: async ({ servers, crowd, random, hold }) => {
    const { process } = pick(random, servers)
    const before = crowd.counts().unanswered
    process.freeze()
    // Longer than the senders wait for an answer.
    await hold(3_500, 7_000)
    process.thaw()
    return seen([crowd.counts().unanswered - before, 'attempts without answer'])
  },
}
