import type * as z from 'zod/mini'
import { createChatStore } from '../../../src/index.js'
import { guestMessageSchema, operatorMessageSchema } from '../../../src/protocol/payloads.js'
import { startChatServer } from '../../../src/server/chat-server.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test } from '../../support/database.js'
import { blocksOf } from '../../support/docs/blocks.js'
import { compileExamples } from '../../support/docs/compile-examples.js'
import { readPages } from '../../support/docs/pages.js'
import { runExample } from '../../support/docs/run-example.js'

const blocks = (await readPages()).flatMap(({ path, text }) =>
  blocksOf(text).map((block, index) => ({ ...block, name: `${path} block ${index + 1}` })),
)
/** Those of other libraries are run where these are installed: test/orm. */
const examples = blocks.filter(({ language, note }) => language === 'ts' && !note.startsWith('library:'))
const documents = blocks.filter(({ language }) => language === 'json')

/** The schema that an example of an event's payload has to meet, by the word behind its fence. */
const SCHEMAS: Readonly<Record<string, z.ZodMiniType>> = {
  clientMessage: guestMessageSchema,
  operatorMessage: operatorMessageSchema,
}

describe('examples', () => {
  test('in TypeScript compile, as do the events of the server', () => {
    const events = documents.flatMap(({ note, content, name }) => {
      const event = /^event:(\w+)$/.exec(note)?.[1]
      if (event === undefined) return []
      const code = `import type { ServerToClientEvents } from './src/protocol/outgoing.js'
        export const payload: Parameters<ServerToClientEvents['${event}']>[0] = ${content}`
      return [{ name, code }]
    })
    expect(events.length).toBeGreaterThan(0)
    const mistakes = compileExamples([...examples.map(({ name, content }) => ({ name, code: content })), ...events])
    expect(mistakes).toEqual([])
  })

  test('in JSON parse, and those of an event meet its schema', () => {
    expect(documents.map(({ note }) => note)).toEqual(expect.arrayContaining(Object.keys(SCHEMAS)))
    for (const { name, note, content } of documents) {
      const value: unknown = JSON.parse(content)
      expect(SCHEMAS[note]?.safeParse(value).error, name).toBeUndefined()
    }
  })

  test('that use a database or a server run', async ({ database }) => {
    await runChatkeep(['migrate', '--create-tables'], { env: { DATABASE_URL: database.url } })
    const store = createChatStore({ databaseUrl: database.url })
    const server = await startChatServer({ store, port: 0 })
    const runnable = examples.filter(({ content }) => /DATABASE_URL|127\.0\.0\.1:3001/.test(content))
    expect(runnable.length).toBeGreaterThan(2)
    for (const { name, content } of runnable) {
      await database.query('TRUNCATE "ChatMessage", "Client" CASCADE')
      const code = content.replaceAll('http://127.0.0.1:3001/chat', server.url)
      const printed = await runExample(code, { DATABASE_URL: database.url })
      expect(printed, name).toMatch(/false|true|^http:/)
    }
    await server.close()
    await store.close()
  })
})
