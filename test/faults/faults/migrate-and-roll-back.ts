import { pick } from '../../bench/random.js'
import { DATABASE } from '../database-server.js'
import { seen, type Fault } from '../fault.js'

/** Waits for the other one, which takes as long as there are messages. */
const PATIENCE = ['--max-wait', '10m'] as const

export const migrateAndRollBack: Fault = {
  name: 'migrate-and-roll-back',
  summary:
    'a rollback and a migration are started at once, a chat server is killed meanwhile; then a migration brings everything back',
  strike: async ({ command, crowd, complain, servers, random, hold }) => {
    const { process } = pick(random, servers)
    const [refused, queued] = [crowd.refusals('schema_not_ready'), crowd.counts().queued]
    const running = Promise.all([
      command('rollback', '--confirm', DATABASE, ...PATIENCE),
      command('migrate', ...PATIENCE),
    ])
    await hold(500, 2_000)
    process.kill()
    // It may find a database that is not ready for it, and then cannot start until that is.
    const restarted = process.start()
    const [back, beside] = await running
    const forward = await command('migrate', ...PATIENCE)
    await restarted
    for (const [name, { exitCode, stderr }] of Object.entries({
      rollback: back,
      migrate: beside,
      'last migrate': forward,
    })) {
      if (exitCode !== 0) complain(`${name} ended with ${exitCode}: ${stderr.slice(-2_000)}`)
    }
    const held = crowd.refusals('schema_not_ready') - refused + crowd.counts().queued - queued
    return seen(
      [[back, beside, forward].filter(({ exitCode }) => exitCode === 0).length, 'runs done'],
      [held, 'messages held up'],
    )
  },
}
