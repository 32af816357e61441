import type { Topic } from './topic.js'

export const formats: Topic = {
  name: 'formats',
  summary: 'how answers are printed, and which files are read',
  text: `
stdout is the answer; everything else goes to stderr.

Output:
  text      for people: the verdict is the last line
  --json    one JSON document, also on failure; stderr then has one JSON object a line. Keys are added, never removed.
  --format  of verify: text, json, junit (a test report), github (annotations of a pull request); of metrics: see its --help
  --sql     of migrate and rollback: a script for psql

How much:
  --quiet   only the verdict on stdout, and nothing but errors on stderr; answers without a verdict, such as scripts, are printed whole. A question is asked all the same, and shows what it is about.
  --verbose on stderr, also where settings are from, how long it took, and all that the server said of an error; plans show every statement in full

Terminals:
  An answer longer than the screen is shown in a pager, never in a pipe, with --json or in CI; --no-pager turns that off. Leaving it early changes nothing, and the verdict is then printed once more.
  Colour never carries a meaning of its own.

Files that replay reads, plain or gzip, recognised by their first line:
  transcript           one JSON object a line (chatkeep replay --help)
  recording            of serve --record
  journal              of serve --journal
  Mattermost           a bulk export

Values:
  duration  500ms, 30s, 15m, 12h, 1d or 2w
  size      64KiB, 256MiB or 2GiB`,
}
