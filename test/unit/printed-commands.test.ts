import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { filesBelow, src } from '../support/source-tree.js'

const COMMAND = /chatkeep (?:migrate|verify|rollback|metrics|reconcile|replay|serve)\b/
const COMMENT = /^\s*(?:\/\/|\/?\*)/
/** Names of sessions, prefixes of hashes, and the texts of `chatkeep explain`, which knows no database. */
const NOT_PRINTED = /application_?name|createBulkStore|^\s*name: 'chatkeep|JSON\.stringify\(\['chatkeep/i

/** Sentences about a command, which nobody types. */
const PROSE: readonly string[] = [
  'client/chat-address.ts',
  'client/chat-connection.ts',
  'client/chat-peer.ts',
  'metrics/chat/messages-without-client-by-reason.ts',
  'metrics/chat/messages-without-client.ts',
  'metrics/database/invalid-indexes.ts',
  'metrics/thresholds/defaults.ts',
  'migrations/archive/capture.ts',
  'migrations/archive/missed-writes.ts',
  'migrations/plan/publications.ts',
  'migrations/plan/screens/render-price-tag.ts',
  'migrations/render-rollback.ts',
  'migrations/script/head.ts',
  'migrations/script/rollback-head.ts',
  'replay/replay-request.ts',
  'server/keeping/journalled-sink.ts',
  'server/operators/operator-file.ts',
  'transcripts/formats/index.ts',
]

const printsCommands = (path: string): boolean =>
  readFileSync(path, 'utf8')
    .split('\n')
    .some((line) => COMMAND.test(line) && !COMMENT.test(line) && !NOT_PRINTED.test(line))

// A text with a command in it forgets the flags that named the database.
test('commands for a database are printed as next steps, which name it, and never as text', () => {
  const found = filesBelow(src)
    .map((path) => relative(src, path))
    .filter((path) => !/^(?:commands|verify|cli\/help)\/|^program\.ts$/.test(path))
    .filter((path) => printsCommands(join(src, path)))
  expect(found.toSorted()).toEqual(PROSE)
})
