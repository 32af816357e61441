import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** Where a program of Prometheus is; undefined where it is not installed. */
export const installed = (name: 'prometheus' | 'promtool'): string | undefined =>
  (process.env.PATH ?? '')
    .split(':')
    .map((folder) => join(folder, name))
    .find(isExecutable)

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
