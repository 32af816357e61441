import { scriptFace } from './face.js'

export const prometheusFace = scriptFace(
  'prometheus',
  'text format 0.0.4, also for the textfile collector',
  async ({ report }) => {
    const { prometheusText, toRegistry } = await import('./registry.js')
    return prometheusText(toRegistry(report))
  },
)
