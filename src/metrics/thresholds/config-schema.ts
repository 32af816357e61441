import * as z from 'zod/mini'
import { metrics } from '../index.js'
import type { Unit } from '../metric.js'
import { QUANTITY } from './parse-quantity.js'

/** The thresholds of a metric: each unit has its own, so that an editor shows examples that fit. */
const levelsOf = (unit: Unit) => {
  const { less, more } = QUANTITY[unit]
  const range = z
    .union([z.string(), z.number(), z.null()], `must be a range such as "${less}:${more}", or "off"`)
    .check(
      z.meta({
        id: `${unit}_range`,
        description: `Alert above ${more}: "${more}". Below ${less}: "${less}:". Outside: "${less}:${more}". Inside: "@${less}:${more}". Never: "off" or null.`,
        examples: [more, `${less}:`, `${less}:${more}`, 'off'],
      }),
    )
  return object({ warn: z.optional(range), crit: z.optional(range) }).check(z.meta({ id: `${unit}_thresholds` }))
}

const object = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, { error: ({ code }) => (code === 'invalid_type' ? 'must be an object' : undefined) })

const levels = {
  count: levelsOf('count'),
  ratio: levelsOf('ratio'),
  bytes: levelsOf('bytes'),
  seconds: levelsOf('seconds'),
} satisfies Record<Unit, unknown>

/** A metric's name, or the name with labels. */
const SUBJECT = `^(${metrics.map(({ name }) => name).join('|')})(\\{.+\\})?$`

// The names are properties so that an editor offers them; one with labels matches none of them.
const thresholds = z
  .catchall(
    object(
      Object.fromEntries(
        metrics.map(({ name, help, unit }) => [name, z.optional(levels[unit]).check(z.describe(help))]),
      ),
    ),
    levels.count,
  )
  .check(
    z.meta({
      description: 'Thresholds by metric, or by metric{label=value}. What is left out keeps its default.',
      propertyNames: { pattern: SUBJECT },
    }),
  )

export const configSchema = object({
  $schema: z.optional(z.string('must be text').check(z.describe('Where this schema is, for editors.'))),
  thresholds: z.optional(thresholds),
}).check(z.describe('Settings of chatkeep.'))

/** The schema for editors. */
export const configJsonSchema = (): object => z.toJSONSchema(configSchema, { target: 'draft-7', io: 'input' })
