import type { ExpectedTable } from './expected-output.js'
import { readOutput, UnreadableOutput } from './expected-output.js'
import { invalidSql, unreadableOutput } from './findings.js'
import type { Finding } from '../finding.js'
import { fencesOf, type Fence } from './markdown.js'
import { readQueries, type FenceContent, type GuideQuery } from './queries.js'
import { isSql, stepsOf, type Step } from './steps.js'

/** A guide as it was read. */
export interface GuideFile {
  /** As the user named it. */
  readonly path: string
  readonly text: string
}

/** What to do with a fence of a guide. */
export type PlannedFence = Planned & { readonly file: string; readonly fence: Fence }

type Planned =
  | { readonly kind: 'not_run'; readonly reason: string }
  | { readonly kind: 'wrong'; readonly finding: Finding; readonly reason?: undefined }
  | { readonly kind: 'compare'; readonly comparisons: readonly Comparison[]; readonly reason?: undefined }

export interface Comparison {
  readonly query: GuideQuery
  readonly table: ExpectedTable
}

/** Decides for each fence of a guide whether it is run, and with which output it is compared. */
export const planGuide = async ({ path, text }: GuideFile): Promise<readonly PlannedFence[]> => {
  const planned: PlannedFence[] = []
  for (const step of stepsOf(fencesOf(text)))
    planned.push({ file: path, fence: step.fence, ...(await planStep(path, step)) })
  return planned
}

const planStep = async (file: string, { fence, output }: Step): Promise<Planned> => {
  if (!isSql(fence)) return { kind: 'not_run', reason: fence.language === '' ? 'no language' : fence.language }
  const content = await readQueries(fence)
  if (content.kind === 'other') return { kind: 'not_run', reason: content.reason }
  if (output === undefined) return { kind: 'not_run', reason: 'no expected output' }
  return compareWith(file, fence, content, output)
}

const compareWith = (
  file: string,
  fence: Fence,
  content: Exclude<FenceContent, { readonly kind: 'other' }>,
  output: Fence,
): Planned => {
  if (content.kind === 'invalid')
    return { kind: 'wrong', finding: invalidSql(file, fence, content.message, content.position) }
  try {
    return { kind: 'compare', comparisons: pair(content.queries, readOutput(output)) }
  } catch (error) {
    if (!(error instanceof UnreadableOutput)) throw error
    return { kind: 'wrong', finding: unreadableOutput(file, error) }
  }
}

const pair = (queries: readonly GuideQuery[], tables: readonly ExpectedTable[]): readonly Comparison[] => {
  const comparisons = queries.flatMap((query, index) => {
    const table = tables[index]
    return table === undefined ? [] : [{ query, table }]
  })
  const line = tables.at(-1)?.end
  if (line === undefined || (comparisons.length === queries.length && tables.length === queries.length))
    return comparisons
  throw new UnreadableOutput(`the fence has ${queries.length} queries, its output ${tables.length} tables`, line)
}
