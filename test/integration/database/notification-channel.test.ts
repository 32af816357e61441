import { afterEach, vi } from 'vitest'
import { openNotificationChannel } from '../../../src/database/notification-channel.js'
import { parseDatabaseUrl, toConnectionTarget } from '../../../src/database/connection-target.js'
import { expect, test } from '../../support/database.js'
import { until } from '../../support/until.js'

const HOUR_MS = 3_600_000

afterEach(() => {
  vi.useRealTimers()
})

test("tells the database's time, whatever the machine's clock says and however it is moved", async ({ database }) => {
  const realMs = () => performance.timeOrigin + performance.now()
  const setMachine = (aheadMs: number) => vi.useFakeTimers({ toFake: ['Date'], now: realMs() + aheadMs })
  const expectRight = (nowMs: number) => expect(Math.abs(nowMs - realMs())).toBeLessThan(HOUR_MS / 2)
  const received: number[] = []
  setMachine(HOUR_MS)
  const channel = await openNotificationChannel(toConnectionTarget(parseDatabaseUrl(database.url, 'the test')), {
    applicationName: 'the test',
    channel: 'times',
    maxQueuedBytes: 1_048_576,
    need: { what: 'the test', keeps: 'its notifications' },
    onPayload: (_, nowMs) => received.push(nowMs),
    onRestored: () => undefined,
    onLost: () => undefined,
  })
  try {
    expectRight(channel.nowMs())
    setMachine(-HOUR_MS)
    channel.send(['one'])
    await until(() => expectRight(channel.nowMs()), { what: 'the clock is right again' })
    channel.send(['two'])
    await until(() => received.length === 2, { what: 'both payloads are received' })
    expectRight(received.at(-1) ?? Number.NaN)
  } finally {
    await channel.close()
  }
})
