import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './support/longest-first.js'

// An unusual zone, so code that takes stored UTC for local time fails.
process.env.TZ = 'Pacific/Chatham'

/**
 * Thorough tests of rare paths: `npm run test:all` and CI run them, `npm test` does not, so that it takes less than four
 * minutes. For single cases there is support/thorough.ts.
 */
const LONG = [
  'test/e2e/bench.test.ts',
  'test/e2e/browser.test.ts',
  'test/e2e/connections.test.ts',
  'test/e2e/faults.test.ts',
  'test/e2e/kill.test.ts',
  'test/e2e/package.test.ts',
  'test/integration/cli/asking.test.ts',
  'test/integration/cli/exit-codes.test.ts',
  'test/integration/cli/hostile-names.test.ts',
  'test/integration/cli/locked-tables.test.ts',
  'test/integration/cli/printed-commands.test.ts',
  'test/integration/cli/server-states.test.ts',
  'test/integration/cli/terminal-widths.test.ts',
  'test/integration/database/embedded-*.test.ts',
  'test/integration/database/failover.test.ts',
  'test/integration/database/like-psql.test.ts',
  'test/integration/database/odd-settings.test.ts',
  'test/integration/database/pooler.test.ts',
  'test/integration/database/several-hosts.test.ts',
  'test/integration/erasure/archive.test.ts',
  'test/integration/erasure/changed-messages.test.ts',
  'test/integration/erasure/former-names.test.ts',
  'test/integration/erasure/retain-archive.test.ts',
  'test/integration/metrics/database-metrics.test.ts',
  'test/integration/migrations/application-writes.test.ts',
  'test/integration/migrations/changing-owners.test.ts',
  'test/integration/migrations/columns-in-use.test.ts',
  'test/integration/migrations/cut-*.test.ts',
  'test/integration/migrations/major-upgrade.test.ts',
  'test/integration/migrations/migrate-script.test.ts',
  'test/integration/migrations/migrate-watching.test.ts',
  'test/integration/migrations/own-files.test.ts',
  'test/integration/migrations/partitions.test.ts',
  'test/integration/migrations/publications.test.ts',
  'test/integration/migrations/replicated.test.ts',
  'test/integration/migrations/restore-kept.test.ts',
  'test/integration/migrations/roles.test.ts',
  'test/integration/migrations/rollback-broken-archive.test.ts',
  'test/integration/migrations/rollback-range.test.ts',
  'test/integration/migrations/rollback-script.test.ts',
  'test/integration/migrations/rollback-states.test.ts',
  'test/integration/migrations/run-history.test.ts',
  'test/integration/migrations/shared-columns.test.ts',
  'test/integration/migrations/standby.test.ts',
  'test/integration/migrations/strangers.test.ts',
  'test/integration/persistence/bulk-save.test.ts',
  'test/integration/persistence/caller-transaction-partitions.test.ts',
  'test/integration/persistence/chat-store-faults.test.ts',
  'test/integration/persistence/chat-store-server-faults.test.ts',
  'test/integration/persistence/closing.test.ts',
  'test/integration/persistence/durability.test.ts',
  'test/integration/persistence/exhausted-pool.test.ts',
  'test/integration/persistence/ids.test.ts',
  'test/integration/persistence/live-connecting.test.ts',
  'test/integration/persistence/live-processes.test.ts',
  'test/integration/persistence/read-plans.test.ts',
  'test/integration/persistence/recent-chats.test.ts',
  'test/integration/persistence/unfenced-primary.test.ts',
  'test/integration/persistence/wanted-clients.test.ts',
  'test/integration/replay/faults.test.ts',
  'test/integration/replay/guest-flow.test.ts',
  'test/integration/replay/socket.test.ts',
  'test/integration/replay/standby.test.ts',
  'test/integration/server/adapter-outage.test.ts',
  'test/integration/server/answer-contacts.test.ts',
  'test/integration/server/held-guests.test.ts',
  'test/integration/server/hostile.test.ts',
  'test/integration/server/journal-addresses.test.ts',
  'test/integration/server/journal-standby.test.ts',
  'test/integration/server/large-messages.test.ts',
  'test/integration/server/missed-answers.test.ts',
  'test/integration/verify/breaks.test.ts',
  'test/integration/verify/encodings.test.ts',
  'test/integration/verify/partitions.test.ts',
  'test/integration/verify/restored.test.ts',
  'test/integration/verify/rolled-back.test.ts',
  'test/integration/verify/standbys.test.ts',
]

const withServer = { globalSetup: ['./test/support/global-setup.ts'] }

const withBuild = [...withServer.globalSetup, './test/support/build.ts']

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    // Two for each of two cores: a test spends much of its time waiting for PostgreSQL.
    maxWorkers: 4,
    pool: 'forks',
    // Only for tests that hang: on a busy machine a test takes several times as long, and that is no failure.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    sequence: { sequencer: LongestFirst },
    projects: [
      // These leave their process as it is, so that files share one: an eighth of all processor time is saved. Tests that
      // send signals to the program start it as a process of its own.
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'], isolate: false } },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          exclude: LONG,
          isolate: false,
          ...withServer,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: LONG,
          globalSetup: withBuild,
        },
      },
      { extends: true, test: { name: 'long', include: LONG, globalSetup: withBuild } },
      // They need Patroni, etcd and HAProxy, and minutes: npm run test:cluster
      ...(process.env.CLUSTER === undefined
        ? []
        : [
            {
              extends: true as const,
              test: {
                name: 'cluster',
                include: ['test/cluster/**/*.test.ts'],
                fileParallelism: false,
                globalSetup: ['./test/support/build.ts'],
              },
            },
          ]),
      // They install the tools of others, so only a command of their own runs them: npm run test:orm
      ...(process.env.ORM === undefined
        ? []
        : [
            {
              extends: true as const,
              test: {
                name: 'orm',
                include: ['test/orm/**/*.test.ts'],
                globalSetup: [...withServer.globalSetup, './test/orm/install.ts'],
              },
            },
          ]),
    ],
  },
})
