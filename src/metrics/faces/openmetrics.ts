import { scriptFace } from './face.js'

export const openMetricsFace = scriptFace('openmetrics', 'OpenMetrics 1.0', async ({ report }) => {
  const { openMetricsText, toRegistry } = await import('./registry.js')
  return openMetricsText(toRegistry(report))
})
