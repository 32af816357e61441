import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './support/longest-first.js'

// An unusual zone, so code that takes stored UTC for local time fails.
process.env.TZ = 'Pacific/Chatham'

const withServer = { globalSetup: ['./test/support/global-setup.ts'] }

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
        test: { name: 'integration', include: ['test/integration/**/*.test.ts'], isolate: false, ...withServer },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: [...withServer.globalSetup, './test/support/build.ts'],
        },
      },
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
