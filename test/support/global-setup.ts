import type { TestProject } from 'vitest/node'
import { type TestServer, startTestServer } from './server.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of a database from which others can be created. */
    readonly serverUrl: string
  }
}

// Each project loads this file anew and runs it; what they share is this process.
const shared = globalThis as { chatkeepTestServer?: Promise<TestServer> | undefined }

/** One server a run, whichever projects take part; says in one line which it is. */
export const setup = async (project: TestProject): Promise<void> => {
  shared.chatkeepTestServer ??= startTestServer(process.env).then((server) => {
    console.log(`Database: ${server.description}`)
    return server
  })
  project.provide('serverUrl', (await shared.chatkeepTestServer).url)
}

/** The first project to end ends it for all: they end together. */
export const teardown = async (): Promise<void> => {
  // One that did not start was told of by setup.
  const server = await shared.chatkeepTestServer?.catch(() => undefined)
  shared.chatkeepTestServer = undefined
  await server?.stop()
}
