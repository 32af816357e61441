import { endBlockers } from '../../database/blockers.js'
import { toStepDocuments } from '../../next-step.js'
import type { Metric } from '../metric.js'
import type { MetricsReport, Sample } from '../report.js'
import type { ShownReport } from '../shown-report.js'
import { verdictDocument } from '../thresholds/verdict-document.js'

type Document = Readonly<Record<string, unknown>>

/** The report as JSON has it. What does not apply is null. */
export const toDocument = ({ report, verdict, target, naming }: ShownReport): Document => {
  const { since, until, now, buckets, bucketMs, comparedMs, metrics, blockage, standby } = report
  return {
    ...{ target, standby },
    since: since.toISOString(),
    until: until?.toISOString() ?? null,
    now: now.toISOString(),
    comparedMs: comparedMs ?? null,
    bucketMs: bucketMs ?? null,
    buckets: buckets.map((start) => start.toISOString()),
    metrics: metrics.flatMap(({ metric, samples }) => samples.map((sample) => valueDocument(metric, sample, report))),
    verdict: verdictDocument(verdict),
    lock:
      blockage === undefined ? null : { ...blockage, steps: toStepDocuments(endBlockers(blockage.blockers), naming) },
  }
}

const valueDocument = (
  { name, help, unit, window }: Metric,
  { labels, value, compared, series }: Sample,
  { windowMs }: MetricsReport,
): Document => ({
  ...{ name, labels, value, unit },
  compared: compared ?? null,
  series: series ?? null,
  windowMs: window === 'since' ? windowMs : null,
  help,
})
