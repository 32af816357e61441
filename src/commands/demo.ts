import { Command } from '@commander-js/extra-typings'
import type { Run } from '../cli/command.js'
import { COMMAND_GROUPS, withOutputFlags } from '../cli/flags.js'
import { withExamples } from '../cli/help/examples.js'

export const demoCommand = (run: Run) =>
  withExamples(withOutputFlags(new Command('demo')), ['chatkeep demo', 'all commands, on a PostgreSQL of their own'])
    .helpGroup(COMMAND_GROUPS.help)
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
              context.format.stderrIsFor === 'people' && context.verbosity !== 'quiet'
                ? context.stdout
                : { ...context.stdout, write: () => undefined },
            runChatkeep: context.runChatkeep,
          })
        }),
      ),
    )
