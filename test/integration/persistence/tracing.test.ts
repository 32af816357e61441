// As an application does that has another copy of the API than chatkeep has inside.
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { migrated, withStore } from '../../support/chat.js'
import { afterAll, beforeAll, expect, test } from '../../support/database.js'
import { withProxy } from '../../support/cuttable-proxy.js'

const exporter = new InMemorySpanExporter()
beforeAll(() => {
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  expect(trace.setGlobalTracerProvider(provider)).toBe(true)
})
afterAll(() => trace.disable())

const SECRET = 'nobody else’s business'
const guest = (name: string, text = SECRET) =>
  ({
    guestUsername: `${SECRET} ${name}`,
    senderType: 'CLIENT',
    messageType: 'TEXT',
    text,
    idempotencyKey: `${SECRET} ${name}`,
  }) as const

/** The attributes of the spans that ended since the last call, with their status and kind checked. */
const spans = () => {
  const ended = exporter.getFinishedSpans()
  const found = ended.map(({ name, kind, status, events, attributes }) => {
    const isError = 'error.type' in attributes
    expect({ name, kind, status, events }).toEqual({
      name: 'INSERT ChatMessage',
      kind: SpanKind.CLIENT,
      status: { code: isError ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
      events: [],
    })
    expect(JSON.stringify(attributes)).not.toContain(SECRET)
    return attributes
  })
  exporter.reset()
  return found
}

const DATABASE = { 'db.system.name': 'postgresql', 'db.operation.name': 'INSERT', 'db.collection.name': 'ChatMessage' }
const saved = (outcome: string, attempts = 1) => ({
  ...DATABASE,
  'chatkeep.save.outcome': outcome,
  'chatkeep.save.attempts': attempts,
})

test('each save is a span that says how the message fared, and nothing of what it is', async ({ database }) => {
  await migrated(database)
  await withStore(database, async (store) => {
    await store.saveChatMessage(guest('ana'))
    expect(spans()).toEqual([saved('committed')])
    await store.saveChatMessage(guest('ana'))
    expect(spans()).toEqual([saved('duplicate')])
    await expect(store.saveChatMessage(guest('ana', 'another'))).rejects.toThrow()
    expect(spans()).toEqual([{ ...saved('failed'), 'error.type': 'idempotency_conflict' }])
    // Calls of one turn of the event loop share a statement.
    await Promise.all(['b', 'c', 'd'].map((name) => store.saveChatMessage(guest(name))))
    const together = { ...saved('committed'), 'db.operation.batch.size': 3 }
    expect(spans()).toEqual([together, together, together])
  })
  await withProxy(database.url, async (proxy) => {
    proxy.pointAt('postgres://127.0.0.1:1/crm')
    const through = { ...database, url: proxy.url }
    const attempt = withStore(through, (store) => store.saveChatMessage(guest('late')), { deadlineMs: 500 })
    await expect(attempt).rejects.toThrow()
    const [span] = spans()
    expect(span).toMatchObject({ 'chatkeep.save.outcome': 'failed', 'error.type': 'database_unavailable' })
    expect(span?.['chatkeep.save.attempts']).toBeGreaterThan(1)
  })
})
