import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { migrated, on } from '../../support/chat.js'
import { describe, expect, test } from '../../support/database.js'
import { manyLines, transcriptLine, writeInput } from '../../support/transcript.js'

interface Operation {
  readonly index: number
  readonly time: number
  readonly process: number
  readonly type: 'invoke' | 'ok' | 'fail' | 'info'
  readonly f: 'add' | 'read'
  readonly value: unknown
}

const operationsOf = async (path: string): Promise<readonly Operation[]> =>
  (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Operation)

/** What Jepsen's `set` checker finds: acknowledged and not in the final read. */
const lostIn = (operations: readonly Operation[]): readonly unknown[] => {
  const read = operations.find(({ f, type }) => f === 'read' && type === 'ok')?.value as readonly unknown[]
  return operations
    .filter(({ f, type }) => f === 'add' && type === 'ok')
    .map(({ value }) => value)
    .filter((value) => !read.includes(value))
}

describe('the history of a replay', () => {
  test.for<['store' | 'socket', number]>([
    ['store', 2_500],
    ['socket', 200],
  ])('through the %s can be judged by somebody else', async ([way, messages], { database }) => {
    await migrated(database)
    const input = await writeInput(manyLines(messages))
    const path = join(dirname(input), 'history')
    const { exitCode, stderr } = await on(database, 'replay', input, '--through', way, '--history', path)
    expect(exitCode, stderr).toBe(0)
    const operations = await operationsOf(path)
    expect(operations.map(({ index }) => index)).toEqual(operations.map((_, place) => place))
    expect(operations.filter(({ type }) => type === 'invoke')).toHaveLength(messages + 1)
    expect(operations.every(({ time }, place) => time >= (operations[place - 1]?.time ?? 0))).toBe(true)
    // A process does one thing at a time.
    const busy = new Set<number>()
    const overlapping = operations.filter(({ type, process }) => {
      const wasBusy = busy.has(process)
      if (type === 'invoke') busy.add(process)
      else busy.delete(process)
      return wasBusy !== (type !== 'invoke')
    })
    expect(overlapping).toEqual([])
    const keys = await database.query('SELECT "idempotencyKey" AS "key" FROM "ChatMessage"')
    const read = operations.at(-1)
    expect([read?.f, read?.type, new Set(read?.value as string[])]).toEqual([
      'read',
      'ok',
      new Set(keys.map(({ key }) => key)),
    ])
    expect(lostIn(operations)).toEqual([])
  })

  test('shows what was refused, and what was acknowledged and is gone', async ({ database }) => {
    await migrated(database)
    await database.load(`
      ALTER TABLE "ChatMessage" ADD CONSTRAINT "polite" CHECK ("text" <> 'rude');
      CREATE FUNCTION lie() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN DELETE FROM "ChatMessage" WHERE "id" = NEW."id"; RETURN NEW; END $$;
      CREATE TRIGGER lie AFTER INSERT ON "ChatMessage" FOR EACH ROW WHEN (NEW."text" = 'gone') EXECUTE FUNCTION lie();`)
    const input = await writeInput(['kept', 'rude', 'gone'].map((text) => transcriptLine({ text })).join('\n'))
    const path = join(dirname(input), 'history')
    const { exitCode, stdout } = await on(database, 'replay', input, '--history', path)
    expect([exitCode, stdout]).toEqual([1, expect.stringContaining('1 rejected, 1 lost')])
    const operations = await operationsOf(path)
    expect(operations.map(({ f, type }) => `${f} ${type}`).sort()).toEqual([
      'add fail',
      'add invoke',
      'add invoke',
      'add invoke',
      'add ok',
      'add ok',
      'read invoke',
      'read ok',
    ])
    expect(lostIn(operations)).toHaveLength(1)
  })

  test('is never written over another file, and one that cannot be written has a name', async ({ database }) => {
    await migrated(database)
    const input = await writeInput(manyLines(2_000))
    const exists = await on(database, 'replay', input, '--history', input)
    expect([exists.exitCode, exists.stderr]).toEqual([2, expect.stringContaining('already exists')])
    expect(await readFile(input, 'utf8')).toBe(manyLines(2_000))
    expect(await database.query('SELECT FROM "ChatMessage"')).toEqual([])

    const missing = await on(database, 'replay', input, '--history', join(input, 'history'))
    expect([missing.exitCode, missing.stderr]).toEqual([2, expect.stringContaining('cannot write the operation log')])
  })
})
