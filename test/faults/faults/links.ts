import { seen, type Fault, type Strike } from '../fault.js'
import type { Link } from '../link.js'
import type { Stage } from '../stage.js'
import type { Tap } from '../../support/cuttable-proxy.js'

export const loseAcknowledgements: Fault = {
  name: 'lose-acknowledgements',
  summary: 'what the chat servers answer is lost on its way for a moment, then the connections are cut; five times',
  strike: async (stage) => {
    const { crowd, servers, hold } = stage
    const before = crowd.counts().unanswered
    let bytes = 0
    for (let round = 0; round < 5; round += 1) {
      bytes += await losing(
        servers.map(({ front }) => front),
        ['fromServer'],
        () => hold(50, 300),
      )
      await hold(300, 600)
    }
    return seen([bytes, 'bytes lost'], [crowd.counts().unanswered - before, 'attempts without answer'])
  },
}

export const halfOpenSockets: Fault = {
  name: 'half-open-sockets',
  summary: 'the way from a chat server to its clients is dead for seconds, then the way to it',
  strike: async ({ servers, hold, random }) => {
    const fronts = servers.filter((_, index) => index === 0 || random() < 0.5).map(({ front }) => front)
    const away = await losing(fronts, ['fromServer'], () => hold(3_500, 5_000))
    const towards = await losing(fronts, ['fromClient'], () => hold(3_500, 5_000))
    return seen([away, 'bytes lost from the server'], [towards, 'towards it'])
  },
}

export const halfOpenDatabase: Fault = {
  name: 'half-open-database',
  summary: 'the database answers and nothing arrives, for seconds; no connection is cut until then',
  strike: async ({ servers, hold }): Promise<Strike> => {
    const bytes = await losing(
      servers.map(({ back }) => back),
      ['fromServer'],
      () => hold(2_000, 12_000),
    )
    return seen([bytes, 'bytes lost'])
  },
}

// What is lost leaves a hole in the stream, so the connections cannot go on.
const losing = async (
  links: readonly Link[],
  directions: readonly (keyof Tap)[],
  wait: () => ReturnType<Stage['hold']>,
): Promise<number> => {
  let lost = 0
  const judge = (direction: keyof Tap) => (bytes: Buffer) => {
    if (!directions.includes(direction)) return 'pass'
    lost += bytes.length
    return 'drop'
  }
  const stops = links.map((link) =>
    link.judge(() => ({ fromClient: judge('fromClient'), fromServer: judge('fromServer') })),
  )
  await wait()
  for (const stop of stops) stop()
  for (const { cut } of links) cut()
  return lost
}
