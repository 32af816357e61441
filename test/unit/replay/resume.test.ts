import { describe, expect, test } from 'vitest'
import { MOST_REJECTED, NOT_BEGUN, type RunState } from '../../../src/replay/resume/resume-state.js'
import { createRunProgress } from '../../../src/replay/resume/run-progress.js'
import { createSettledLines } from '../../../src/replay/resume/settled-lines.js'

type Step = readonly ['begin' | 'settle' | 'finish', number]

describe('the line up to which everything is settled', () => {
  test.for<[string, readonly Step[], number]>([
    ['is where the run began', [], 4],
    [
      'waits for the first message',
      [
        ['begin', 5],
        ['begin', 6],
        ['settle', 6],
      ],
      4,
    ],
    ['passes lines without a message', [['begin', 9]], 8],
    [
      'is the line before the first open one',
      [
        ['begin', 5],
        ['begin', 6],
        ['settle', 5],
      ],
      5,
    ],
    [
      'waits for each message of a line',
      [
        ['begin', 5],
        ['begin', 5],
        ['begin', 6],
        ['settle', 5],
      ],
      4,
    ],
    [
      'passes the last message only at the end',
      [
        ['begin', 5],
        ['settle', 5],
      ],
      4,
    ],
    [
      'is the last line at the end',
      [
        ['begin', 5],
        ['settle', 5],
        ['finish', 7],
      ],
      7,
    ],
    [
      'waits for open messages at the end',
      [
        ['begin', 5],
        ['finish', 7],
      ],
      4,
    ],
  ])('%s', ([, steps, expected]) => {
    const lines = createSettledLines(4)
    for (const [step, line] of steps) lines[step](line)
    expect(lines.upTo()).toBe(expected)
  })
})

describe('the state of a run', () => {
  const run = async (rejected: number, messages = rejected): Promise<readonly RunState[]> => {
    const states: RunState[] = []
    let nowMs = 0
    const progress = createRunProgress({
      earlier: NOT_BEGUN,
      file: undefined,
      writeState: (state) => Promise.resolve(void states.push(state)),
      nowMs: () => nowMs,
    })
    for (let line = 1; line <= messages; line += 1) {
      progress.begin(line, undefined)
      progress.settle(line, line <= rejected ? 'refused' : undefined)
      nowMs += 400
      await progress.save()
    }
    await progress.finish(messages)
    return states
  }

  test('is written once a second, and at the end', async () => {
    expect((await run(0, 5)).map(({ line, finished }) => [line, finished])).toEqual([
      [2, false],
      [5, true],
    ])
  })

  test('lists what was rejected', async () => {
    expect((await run(2, 3)).at(-1)?.rejected).toEqual([
      { line: 1, reason: 'refused' },
      { line: 2, reason: 'refused' },
    ])
  })

  test('does not advance past the rejected lines that it can list', async () => {
    const last = (await run(MOST_REJECTED + 3)).at(-1)
    expect([last?.line, last?.finished, last?.rejected.length]).toEqual([MOST_REJECTED, false, MOST_REJECTED])
  })
})
