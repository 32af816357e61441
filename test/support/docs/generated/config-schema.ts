import { configJsonSchema } from '../../../../src/metrics/thresholds/config-schema.js'
import type { Generated } from './index.js'

/** The schema of chatkeep.config.json, for editors. */
export const configSchemaFile: Generated = {
  path: 'docs/chatkeep.config.schema.json',
  render: () => JSON.stringify(configJsonSchema()),
}
