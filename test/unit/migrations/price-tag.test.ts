import { expect, test } from 'vitest'
import { NO_PRICE, restoreBytes, rollbackBytes, type PriceTag } from '../../../src/migrations/plan/price-tag.js'
import { bytesLines, renderPriceTag } from '../../../src/migrations/plan/screens/render-price-tag.js'
import { createRender } from '../../../src/terminal/render.js'

const MEASURED: PriceTag = {
  ...NO_PRICE,
  messages: 1_000_000,
  guestMessages: 500_000,
  messagesWithKey: 1_000_000,
  messagesToLink: 500_000,
}

test('a rollback and the way back are priced as they were measured', () => {
  expect(rollbackBytes(MEASURED)).toEqual({ walBytes: 2_100e6, diskBytes: 515e6 })
  expect(restoreBytes(1_000_000)).toEqual({ walBytes: 5_100e6, diskBytes: 1_000e6 })
})

test('the price has a line on WAL and disk, which the server does not watch for the operator', () => {
  const shown = renderPriceTag(MEASURED, { to: 1, onOrphans: 'archive' }, createRender(false))
  expect(shown.split('\n').at(-1)).toBe(
    'writes about 2.1 GB of WAL; tables grow by up to 515 MB until VACUUM: check that it is free',
  )
})

test('little is not mentioned', () => {
  expect(bytesLines(restoreBytes(1_000))).toEqual([])
})
