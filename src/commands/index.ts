import type { CommandFactory } from '../cli/command.js'
import { completionCommand } from './completion.js'
import { demoCommand } from './demo.js'
import { doctorCommand } from './doctor.js'
import { eraseCommand } from './erase.js'
import { explainCommand } from './explain.js'
import { exportCommand } from './export.js'
import { helpCommand } from './help.js'
import { metricsCommand } from './metrics.js'
import { migrateCommand } from './migrate.js'
import { reconcileCommand } from './reconcile.js'
import { replayCommand } from './replay.js'
import { retainCommand } from './retain.js'
import { rollbackCommand } from './rollback.js'
import { serveCommand } from './serve.js'
import { statusCommand } from './status.js'
import { verifyCommand } from './verify.js'

/** Add a subcommand: write ./<name>.ts, list it here, in the order of the help. */
export const commands: readonly CommandFactory[] = [
  migrateCommand,
  statusCommand,
  verifyCommand,
  explainCommand,
  rollbackCommand,
  metricsCommand,
  doctorCommand,
  reconcileCommand,
  replayCommand,
  exportCommand,
  eraseCommand,
  retainCommand,
  serveCommand,
  demoCommand,
  completionCommand,
  helpCommand,
]
