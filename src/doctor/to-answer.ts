import { ExitCode } from '../errors.js'
import { describeSteps, toStepDocuments } from '../next-step.js'
import type { Answer } from '../terminal/answer.js'
import { toErrorDocument } from '../terminal/error-document.js'
import type { Encryption } from '../database/encryption.js'
import type { Proxy } from '../database/proxies/proxy.js'
import type { Finding } from '../verify/finding.js'
import { isReached, type Diagnosis, type Reached } from './diagnosis.js'
import { findingsOf } from './findings.js'
import { renderDoctor, renderVerdict } from './render-doctor.js'
import type { DoctorReport } from './report.js'

export const toAnswer = (report: DoctorReport): Answer => ({
  exitCode: exitCodeOf(report),
  data: {
    ...report.runtime,
    connections: report.diagnoses.map((diagnosis) => toDocument(diagnosis, report.required)),
    durationMs: report.durationMs,
  },
  text: (render) => renderDoctor(report, render),
  verdict: (render) => renderVerdict(report, render),
})

/** That a connection failed says more than what is wrong on another. */
const exitCodeOf = ({ diagnoses, required }: DoctorReport): ExitCode => {
  for (const { outcome } of diagnoses) if (!isReached(outcome)) return outcome.error.exitCode
  const isWrong = diagnoses.some((diagnosis) =>
    findingsOf(diagnosis, required).some(({ severity }) => severity === 'error'),
  )
  return isWrong ? ExitCode.no : ExitCode.done
}

const toDocument = (diagnosis: Diagnosis, required: readonly string[]): Readonly<Record<string, unknown>> => {
  const { commands, target, parameters, unused, outcome, naming } = diagnosis
  const sourced = ({ name, value, source }: Diagnosis['unused'][number] | Diagnosis['parameters'][number]) => ({
    ...{ name, value },
    source: { ...source, file: source.file ?? null },
  })
  return {
    ...{ commands, target },
    parameters: parameters.map(sourced),
    unused: unused.map(sourced),
    reached: isReached(outcome),
    failedStage: isReached(outcome) ? null : outcome.stage,
    error: isReached(outcome) ? null : toErrorDocument(outcome.error, naming),
    ...(isReached(outcome) ? reachedDocument(outcome) : {}),
    findings: findingsOf(diagnosis, required).map((found) => findingDocument(found, diagnosis)),
  }
}

const reachedDocument = (reached: Reached): Readonly<Record<string, unknown>> => {
  const { place, encryption, proxy, server, settings, role, abilities } = reached
  return {
    place,
    encryption: encryption === undefined ? null : encryptionDocument(encryption),
    proxy: proxy === undefined ? null : proxyDocument(proxy),
    ...{ server, settings, role },
    abilities: abilities.map(({ command, obstacle }) => ({
      command,
      canRun: obstacle === undefined,
      code: obstacle?.code ?? null,
    })),
  }
}

const encryptionDocument = ({ certificate, ...encryption }: Encryption) => ({
  ...encryption,
  certificate: certificate ?? null,
})

const proxyDocument = ({ kind, product, shared }: Proxy) => ({
  kind,
  product: product ?? null,
  sharing: shared?.kind ?? 'none',
})

const findingDocument = (
  { severity, code, object, expected, actual, help, sqlState }: Finding,
  { naming }: Diagnosis,
) => ({
  ...{ severity, code, object, expected, actual },
  help: describeSteps(help, naming),
  steps: toStepDocuments(help, naming),
  sqlState: sqlState ?? null,
})
