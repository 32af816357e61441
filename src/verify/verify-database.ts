import { withClient, type Queryable } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { explainReadDenied, readDenied, refuseHiddenRows, type ReadGrant } from '../database/read-denied.js'
import { inReadOnlySnapshot, type SnapshotLimits } from '../database/transaction.js'
import { readMigrationFiles, shippedMigrations } from '../migrations/ledger/migration-files.js'
import { applicationModels } from './models/application-models.js'
import type { ApplicationSchema } from './models/model.js'
import type { Check, DataCheck } from './check.js'
import type { Expectation } from './expectation.js'
import { hasColumns, hasTable, readFacts, type Facts } from './facts/facts.js'
import { commandLine, finding, type Finding } from './finding.js'
import { isFailing, SEVERITIES, type Severity } from './severity.js'
import { compareGuideColumns, GUIDE_COLUMNS, type GuideColumn } from './facts/guide-columns.js'
import { checks } from './checks/index.js'
import { askQuestion } from './question.js'

export interface VerifyOptions {
  readonly expectation: Expectation
  /** Folder of the migration files; those that come with chatkeep when absent. */
  readonly migrationsFolder?: string | undefined
  /** The role that the application connects as, to check its rights. */
  readonly applicationRole?: string | undefined
  /** The least severity that makes the answer "no". */
  readonly failOn: Severity
  /** Do what guests do, in a transaction that is rolled back; as this role, when one is named. */
  readonly probe?: { readonly role: string | undefined } | undefined
  /** Models of the application's ORM to compare with the database. */
  readonly applicationSchema?: ApplicationSchema | undefined
  /** How long the server may work on one question. */
  readonly statementTimeoutMs: number
  readonly signal: AbortSignal
}

/** What a verify found, complete: it never stops at the first finding. */
export interface VerifyReport {
  readonly ok: boolean
  readonly schema: string
  readonly serverVersion: string
  /** Step 2 of the update guide. */
  readonly columns: readonly GuideColumn[]
  /** What was asked, by name, in its order. */
  readonly checks: readonly string[]
  /** The gravest first. */
  readonly findings: readonly CheckedFinding[]
  /** What to type next; null when nothing was found. */
  readonly next: string | null
  readonly summary: VerifySummary
  readonly durationMs: number
}

/** A finding, and whose it is. */
export type CheckedFinding = Finding & { readonly check: string }

export interface VerifySummary {
  readonly checks: number
  readonly errors: number
  readonly warnings: number
  readonly notes: number
}

const LOCK_TIMEOUT_MS = 1_000

/** A server that does not even refuse after its own time-out is frozen or gone. */
const ANSWER_GRACE_MS = 2_000

/**
 * Asks a database whether it is as expected, in one snapshot that the server keeps read-only. Also behind a transaction pooler.
 * @throws OperatorError when it could not be asked: unreachable, a time-out, no right to read, unusable migration files
 */
export const verifyDatabase = async (target: ConnectionTarget, options: VerifyOptions): Promise<VerifyReport> => {
  const startedAt = performance.now()
  const { expectation, applicationRole, failOn, signal } = options
  const files = await readMigrationFiles(options.migrationsFolder ?? shippedMigrations())
  const schema = target.schema ?? 'public'
  const grant = { user: target.user, schema, tables: ['ChatMessage', 'Client', 'migrations'] }
  const asked = checksFor(options)

  const { facts, findings } = await withSession(target, options, async (client) => {
    const read = await inReadOnlySnapshot(client, limitsOf(options), async () => {
      try {
        await refuseHiddenRows(client)
        const facts = await readFacts(client, {
          expectation,
          database: target.database,
          schema,
          files,
          applicationRole,
        })
        refuseHiddenColumns(facts, grant)
        return { facts, findings: await findAll(asked, client, facts, signal) }
      } catch (error) {
        throw explainReadDenied(error, grant)
      }
    })
    return { facts: read.facts, findings: [...read.findings, ...(await findByProbe(client, read.facts, options))] }
  })

  const sorted = findings.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity))
  const names = [...asked.map(({ name }) => name), ...(options.probe === undefined ? [] : [PROBE])]
  const summary = { checks: names.length, ...countSeverities(findings) }
  return {
    ok: !findings.some((found) => isFailing(found, failOn)),
    schema,
    serverVersion: facts.surroundings.serverVersion,
    columns: compareGuideColumns(facts.guideColumns, expectation),
    checks: names,
    findings: sorted,
    next: nextStep(sorted),
    summary,
    durationMs: Math.round(performance.now() - startedAt),
  }
}

const checksFor = ({ expectation, applicationSchema }: VerifyOptions): readonly Check[] => [
  ...checks.filter(({ expectations }) => expectations.includes(expectation)),
  ...(applicationSchema === undefined ? [] : [applicationModels(applicationSchema)]),
]

const withSession = <T>(
  target: ConnectionTarget,
  { statementTimeoutMs, signal }: VerifyOptions,
  work: (client: Queryable) => Promise<T>,
): Promise<T> =>
  withClient(
    target,
    { applicationName: 'chatkeep verify', signal, queryTimeoutMs: statementTimeoutMs + ANSWER_GRACE_MS },
    work,
  )

const limitsOf = ({ statementTimeoutMs }: VerifyOptions): SnapshotLimits => ({
  statementTimeoutMs,
  lockTimeoutMs: LOCK_TIMEOUT_MS,
})

/** How the probe is called among the checks. */
const PROBE = 'probe'

// Without the tables there is nothing to try, and a check has said so.
const findByProbe = async (
  client: Queryable,
  facts: Facts,
  options: VerifyOptions,
): Promise<readonly CheckedFinding[]> => {
  if (options.probe === undefined || !hasTable(facts, 'ChatMessage') || !hasTable(facts, 'Client')) return []
  const { schema, database } = facts
  const { signal } = options
  const { probe } = await import('./probe/probe.js')
  const found = await probe(client, { ...limitsOf(options), schema, database, role: options.probe.role, signal })
  return found.map((one) => ({ ...one, check: PROBE }))
}

// information_schema shows a role only the columns that it has a right to. To report the others as missing would be wrong.
const refuseHiddenColumns = (facts: Facts, grant: ReadGrant): void => {
  const hidden = GUIDE_COLUMNS.some(
    ({ column }) =>
      hasColumns(facts, 'ChatMessage', [column]) &&
      !facts.guideColumns.some(({ column_name }) => column_name === column),
  )
  if (hidden) throw readDenied(grant, 'it has no right to the table "ChatMessage"')
}

const findAll = async (
  asked: readonly Check[],
  client: Queryable,
  facts: Facts,
  signal: AbortSignal,
): Promise<readonly CheckedFinding[]> => {
  const findings: CheckedFinding[] = []
  for (const check of asked) {
    const found = 'question' in check ? await findInData(check, client, facts, signal) : check.findings(facts)
    findings.push(...found.map((one) => ({ ...one, check: check.name })))
  }
  return findings
}

const findInData = async (
  check: DataCheck,
  client: Queryable,
  facts: Facts,
  signal: AbortSignal,
): Promise<readonly Finding[]> => {
  const question = check.question(facts)
  if (question === undefined) return check.findings(undefined, facts)
  const answer = await askQuestion(client, question, signal)
  if (!('reason' in answer)) return check.findings(answer, facts)
  const words = { object: check.object, expected: 'an answer in time', actual: answer.reason }
  const help = commandLine('verify --statement-timeout 10m', facts)
  return [...check.findings(undefined, facts), finding(check.severity, 'not_checked_in_time', { ...words, help })]
}

const countSeverities = (findings: readonly Finding[]): Omit<VerifySummary, 'checks'> => {
  const count = (wanted: Severity): number => findings.filter(({ severity }) => severity === wanted).length
  return { errors: count('error'), warnings: count('warning'), notes: count('note') }
}

// While somebody is changing the database, the cure of what is found may be under way.
const nextStep = (findings: readonly Finding[]): string | null =>
  (findings.find(({ code }) => code === 'change_running') ?? findings[0])?.help ?? null
