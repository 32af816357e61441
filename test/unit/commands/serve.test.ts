import { describe, expect, test } from 'vitest'
import { inUnits } from '../../../src/cli/byte-size.js'
import type { Run } from '../../../src/cli/command.js'
import { limitsIn, serveCommand } from '../../../src/commands/serve.js'
import { limitsFrom, LIMITS } from '../../../src/server/protection/limits.js'

/** Parses flags of `serve` and stops there. */
const parse = (...argv: readonly string[]): Readonly<Record<string, unknown>> => {
  const doNothing: Run = () => () => Promise.resolve()
  return serveCommand(doNothing)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .parse(argv, { from: 'user' })
    .opts()
}

const help = serveCommand(() => () => Promise.resolve())
  .configureHelp({ helpWidth: 500 })
  .helpInformation()

describe.each(Object.entries(LIMITS))('the limit %s', (name, limit) => {
  const { flag, unit, least, most, default: usual } = limit
  const write = (value: number): string => (unit === 'ms' ? `${value}ms` : String(value))

  test('stands in serve --help with its text and its default', () => {
    const line = help.split('\n').find((text) => text.includes(`${flag} <`))
    expect(line).toContain(limit.help)
    expect(line).toContain(
      `(default: ${unit === 'ms' ? `${usual / 1_000}s` : unit === 'bytes' ? inUnits(usual) : usual})`,
    )
  })

  test('is taken from its flag, within its bounds', () => {
    expect(limitsFrom(limitsIn(parse()))).toMatchObject({ [name]: usual })
    for (const value of [least, most])
      expect(limitsFrom(limitsIn(parse(flag, write(value))))).toMatchObject({ [name]: value })
    expect(() => parse(flag, write(most + 1))).toThrow(flag)
  })
})

test('limits that are not given have their defaults', () => {
  const defaults = Object.fromEntries(Object.entries(LIMITS).map(([name, { default: usual }]) => [name, usual]))
  expect(limitsFrom({})).toEqual(defaults)
  expect(limitsFrom({ maxConnections: undefined })).toEqual(defaults)
  expect(limitsFrom({ maxConnections: 7, eventsPerSecond: 0 })).toEqual({
    ...defaults,
    maxConnections: 7,
    eventsPerSecond: 0,
  })
})
