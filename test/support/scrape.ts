import { expect } from 'vitest'

/** Reads metrics, as a scraper does. @returns the value of each sample by its name and labels, as they are written */
export const scrape = async (url: string): Promise<Readonly<Record<string, number>>> => {
  const startedAt = performance.now()
  const response = await fetch(url)
  expect(response.status).toBe(200)
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  // Whatever the database does: a scraper soon gives up, and then nobody sees that it does so.
  expect(performance.now() - startedAt).toBeLessThan(1_000)
  return Object.fromEntries(
    lines.map((line) => {
      const [, name = '', value] = /^(\S+?(?:\{.*\})?) (\S+)$/.exec(line) ?? []
      return [name, Number(value)]
    }),
  )
}

/** What became of messages, by outcome, without outcomes that did not happen; with what is under way or unaccounted for. */
export const messagesIn = (samples: Readonly<Record<string, number>>): Readonly<Record<string, number>> => {
  const named = Object.entries(samples).flatMap(([name, value]) => {
    const [, short] = /^chatkeep_server_messages_(?:total\{outcome="(\w+)"\}|\w+)$/.exec(name) ?? [undefined, undefined]
    const key = short ?? /^chatkeep_server_messages_(received|in_flight|unaccounted)/.exec(name)?.[1]
    return key === undefined || value === 0 ? [] : [[key, value] as const]
  })
  return Object.fromEntries(named)
}
