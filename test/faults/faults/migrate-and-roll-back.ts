import { DATABASE } from '../database-server.js'
import { seen, type Fault } from '../fault.js'

/** Waits for the other one, which takes as long as there are messages. */
const PATIENCE = ['--max-wait', '10m'] as const

export const migrateAndRollBack: Fault = {
  name: 'migrate-and-roll-back',
  summary: 'a rollback and a migration are started at once, under load; then a migration brings everything back',
  strike: async ({ command, crowd, complain }) => {
    const [refused, queued] = [crowd.refusals('schema_not_ready'), crowd.counts().queued]
    const [back, beside] = await Promise.all([
      command('rollback', '--confirm', DATABASE, ...PATIENCE),
      command('migrate', ...PATIENCE),
    ])
    const forward = await command('migrate', ...PATIENCE)
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
