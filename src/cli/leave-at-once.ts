/** What a command may leave behind that could not end in order. */
const LEFT: Readonly<Record<string, string>> = {
  migrate: 'an index may be left INVALID and a run unfinished: verify names both, and migrate goes on from there',
  rollback: 'a run may be left unfinished: verify names it, and rollback goes on from there',
  replay: 'what was sent is stored; the same replay again stores nothing twice',
  reconcile: 'what was committed stays; reconcile can be repeated',
  serve: 'messages that were not acknowledged may be stored or not; their senders repeat them',
}

/** The line for a second signal, which ends the process before the server has answered. */
export const lastWords = (argv: readonly string[], signal: string): string => {
  const left = LEFT[argv.find((word) => word in LEFT) ?? '']
  const embedded = argv.some((word) => /^--embedded(?:=|$)/.test(word))
    ? ['the embedded server is stopped by the next run']
    : []
  const facts = [
    'the server may go on with the last statement for 10 s',
    ...(left === undefined ? [] : [left]),
    ...embedded,
  ]
  const text = `left at once on a second ${signal}: ${facts.join('; ')}`
  return argv.includes('--json') ? JSON.stringify({ at: new Date(), type: 'left', text }) : text
}
