import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { repository } from '../chatkeep-process.js'

export interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string }
}

export const RULE_FILE = join(repository, 'docs', 'monitoring', 'chatkeep.rules.yml')

/** The alerts of the rule file, in its order. */
export const readRules = (): readonly AlertRule[] => {
  const { groups } = parse(readFileSync(RULE_FILE, 'utf8')) as {
    readonly groups: readonly { readonly rules: readonly AlertRule[] }[]
  }
  return groups.flatMap(({ rules }) => rules)
}
