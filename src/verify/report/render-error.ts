import type { ReportedError } from './describe-error.js'
import { renderErrorAnnotation } from './render-github.js'
import { renderJunitError } from './render-junit.js'

/** What stdout says in a format when the question could not be asked; undefined where the runner sees to it. */
export const renderErrorIn = (format: string, error: ReportedError): string | undefined => {
  if (format === 'junit') return renderJunitError(error)
  return format === 'github' ? renderErrorAnnotation(error) : undefined
}
