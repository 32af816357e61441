import type { Start } from './start.js'

/** What every program for Node.js costs. */
export const BARE: Start = { title: 'node, an empty program', argv: ['-e', ''], says: /^$/ }

/** @param program chatkeep, as it is published */
export const chatkeepStarts = (program: string, databaseUrl: string): readonly Start[] => {
  const start = (command: string, says: RegExp): Start => ({
    title: `chatkeep ${command}`,
    argv: [program, command],
    env: { DATABASE_URL: databaseUrl },
    says,
  })
  return [
    start('--version', /^\d+\.\d+/),
    start('--help', /Usage/),
    start('status', /^(ok|warning): /m),
    start('verify', /^ok: /m),
    start('metrics', /^metrics /),
    start('doctor', /^ok: /m),
  ]
}
