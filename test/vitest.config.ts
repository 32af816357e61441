import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// A zone that nobody expects: whoever takes stored UTC for local time is found out.
process.env.TZ = 'Pacific/Chatham'

const withServer = { globalSetup: ['./test/support/global-setup.ts'] }

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    // Most of the time a test waits for PostgreSQL, so two per core.
    maxWorkers: 4,
    // Tests start processes, send signals and change directories: each file has a process of its own.
    pool: 'forks',
    // For tests that hang: none is judged by its speed, and a busy machine takes several times as long.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    projects: [
      // Nothing of these touches the process: files that share one save its start.
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'], isolate: false } },
      { extends: true, test: { name: 'integration', include: ['test/integration/**/*.test.ts'], ...withServer } },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: [...withServer.globalSetup, './test/support/build.ts'],
        },
      },
    ],
  },
})
