import * as z from 'zod'
import { metrics } from '../index.js'
import type { Unit } from '../metric.js'
import { QUANTITY } from './parse-quantity.js'

/** The thresholds of a metric: each unit has its own, so that an editor shows examples that fit. */
const levelsOf = (unit: Unit) => {
  const { less, more } = QUANTITY[unit]
  const range = z
    .union([z.string(), z.number(), z.null()], { error: `must be a range such as "${less}:${more}", or "off"` })
    .describe(
      `Alert above ${more}: "${more}". Below ${less}: "${less}:". Outside: "${less}:${more}". Inside: "@${less}:${more}". Never: "off" or null.`,
    )
    .meta({ id: `${unit}_range`, examples: [more, `${less}:`, `${less}:${more}`, 'off'] })
  return object({ warn: range.optional(), crit: range.optional() }).meta({ id: `${unit}_thresholds` })
}

const object = <Shape extends z.ZodRawShape>(shape: Shape) =>
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
const thresholds = object(
  Object.fromEntries(metrics.map(({ name, help, unit }) => [name, levels[unit].optional().describe(help)])),
)
  .catchall(levels.count)
  .describe('Thresholds by metric, or by metric{label=value}. What is left out keeps its default.')
  .meta({ propertyNames: { pattern: SUBJECT } })

export const configSchema = object({
  $schema: z.string({ error: 'must be text' }).describe('Where this schema is, for editors.').optional(),
  thresholds: thresholds.optional(),
}).describe('Settings of chatkeep.')

/** The schema for editors. */
export const configJsonSchema = (): object => z.toJSONSchema(configSchema, { target: 'draft-7', io: 'input' })
