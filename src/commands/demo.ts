import { Command } from '@commander-js/extra-typings'
import type { Run } from '../cli/command.js'
import { withOutputFlags } from '../cli/flags.js'

export const demoCommand = (run: Run) =>
  withOutputFlags(new Command('demo'))
    .summary('try all commands on a temporary PostgreSQL, in a minute')
    .description(
      'Runs a tour of all commands on an embedded PostgreSQL that is deleted afterwards. No other database is touched.',
    )
    .action(
      run((context) =>
        context.withTarget({ embedded: true }, 'direct', async (target) => {
          const { runDemo } = await import('../demo/tour.js')
          return runDemo(target, {
            signal: context.signal,
            render: context.render,
            env: context.env,
            // Only the last document goes to a program.
            output:
              context.format.stderrIsFor === 'people' ? context.stdout : { ...context.stdout, write: () => undefined },
            runChatkeep: context.runChatkeep,
          })
        }),
      ),
    )
