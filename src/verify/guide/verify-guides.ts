import { resolve } from 'node:path'
import type { Queryable } from '../../database/connection.js'
import { describeTarget, type ConnectionTarget } from '../../database/connection-target.js'
import { escapeIdentifier } from '../../database/identifier.js'
import { refuseMissingSchema } from '../../database/missing-schema.js'
import { onlyRow } from '../../database/rows.js'
import { readInParts } from '../../database/waiting/read-in-parts.js'
import { describeWait } from '../../database/waiting/describe-wait.js'
import type { OnWaitEvent } from '../../database/waiting/wait-events.js'
import { OperatorError } from '../../errors.js'
import { readNamedFile } from '../../read-named-file.js'
import type { Answer } from '../../terminal/answer.js'
import type { Terminal } from '../../terminal/terminal.js'
import { withReadSession } from '../read-session.js'
import { toGuideAnswer } from './guide-report.js'
import { planGuide, type GuideFile } from './plan.js'
import { runFences, type FenceResult } from './run-guide.js'

/**
 * Runs the queries of guides in one read-only snapshot, and compares their results with what the guides expect.
 * @throws OperatorError `guide_without_checks` (exit 2) if no query was compared
 */
export const verifyGuides = async (
  named: readonly string[],
  statementTimeoutMs: number,
  { cwd, signal, progress }: Pick<Terminal, 'cwd' | 'signal' | 'progress'>,
  withTarget: (work: (target: ConnectionTarget) => Promise<Answer>) => Promise<Answer>,
): Promise<Answer> => {
  const paths = [...new Map(named.toReversed().map((path) => [resolve(cwd, path), path])).values()].toReversed()
  const guides = paths.map((path): GuideFile => ({ path, text: readNamedFile(resolve(cwd, path)).toString('utf8') }))
  const planned = (await Promise.all(guides.map(planGuide))).flat()
  refuseNothingToCompare(paths, planned.map(notRunOf))
  return withTarget(async (target) => {
    const startedAt = performance.now()
    const limits = { statementTimeoutMs, signal }
    const schema = target.schema ?? 'public'
    const onWait: OnWaitEvent = (event) => progress.update(describeWait(event))
    const read = await withReadSession(target, { ...limits, onWait }, (client) =>
      readInParts(client, limits, async (part) => ({
        serverVersion: await lookInSchema(client, schema),
        fences: await runFences(client, planned, part, limits),
      })),
    )
    refuseNothingToCompare(paths, read.fences.map(notRunOf))
    return toGuideAnswer({
      ...read,
      ...{ schema, guides: paths, target: describeTarget(target), database: target.database, naming: target.naming },
      durationMs: Math.round(performance.now() - startedAt),
    })
  })
}

/** A line on a fence that is not run; undefined for the others. */
const notRunOf = ({ file, fence, reason }: Pick<FenceResult, 'file' | 'fence' | 'reason'>): string | undefined =>
  reason === undefined ? undefined : `${file}:${fence.number}: not run: ${reason}`

const MOST_SHOWN = 10

const refuseNothingToCompare = (paths: readonly string[], notRun: readonly (string | undefined)[]): void => {
  if (notRun.includes(undefined)) return
  const lines = notRun.filter((line) => line !== undefined)
  const more = lines.length - MOST_SHOWN
  throw new OperatorError('guide_without_checks', `${paths.join(', ')}: no query with an expected output was found`, {
    details: [...lines.slice(0, MOST_SHOWN), ...(more > 0 ? [`and ${more} more`] : [])],
    hint: 'write "Expected output:" and a table as psql prints it, in a fence of its own, after a fence of sql',
  })
}

/** The guide's names without a schema mean the tables of the chat, for the rest of the transaction. @returns the server's version */
const lookInSchema = async (client: Queryable, schema: string): Promise<string> => {
  await refuseMissingSchema(client, schema)
  const { serverVersion } = onlyRow(
    await client.query<{ serverVersion: string }>(PREPARE_TRANSACTION, [escapeIdentifier(schema)]),
  )
  return serverVersion
}

// The results are read to their end, which the planner does not expect of a cursor.
const PREPARE_TRANSACTION = `
  SELECT pg_catalog.current_setting('server_version') AS "serverVersion", pg_catalog.set_config('search_path', $1, true),
    pg_catalog.set_config('cursor_tuple_fraction', '1', true)`
