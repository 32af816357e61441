import type { Topic } from './topic.js'

export const exitCodes: Topic = {
  name: 'exit-codes',
  summary: 'what each exit code means',
  text: `
The code follows from the cause, not from the command. --quiet does not change it.

  0    success, also when there was nothing to do
  1    the answer is no: findings, lost messages, a failed migration
  2    usage error: unknown flag, bad configuration, missing file, no database named
  3    database unavailable: connection, password, privilege, time-out; try again later
  4    busy: another session holds a lock; try again
  5    refused: not confirmed, data would be lost, or the plan has changed
  70   bug in chatkeep; the path of a crash report without secrets and data is printed
  129  ended by SIGHUP: the terminal is gone
  130  ended by SIGINT, as by Ctrl-C
  131  ended by SIGQUIT
  143  ended by SIGTERM

A second Ctrl-C ends chatkeep at once; it then does not wait for the server.`,
}
