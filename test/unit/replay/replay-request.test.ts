import { describe, expect, test } from 'vitest'
import {
  checkJournalRequest,
  checkRequest,
  mistakesIn,
  type ReplayRequest,
} from '../../../src/replay/replay-request.js'

const file = 'chats.ndjson'
const scenario = 'guest-flow'

describe('what a replay is asked for', () => {
  test.for<[string, ReplayRequest]>([
    ['a transcript', { file }],
    ['a transcript through a server', { file, through: 'socket', url: 'http://127.0.0.1/chat' }],
    ['a paced transcript', { file, speed: 'x10', maxGap: 1_000 }],
    ['a comparison of a truncated recording', { file, checkOnly: true, acceptTruncated: true, through: 'socket' }],
    ['a scenario', { scenario, keep: true, url: 'http://127.0.0.1/chat', through: 'socket' }],
  ])('may be %s', ([, request]) => {
    expect(mistakesIn(request)).toEqual([])
    expect(() => checkRequest(request)).not.toThrow()
  })

  test.for<[string, ReplayRequest, readonly string[]]>([
    ['nothing', {}, ['name a transcript, or - for standard input, or --scenario guest-flow']],
    ['both', { file, scenario }, ['a transcript and --scenario cannot be combined']],
    ['a scenario through the store', { scenario, through: 'store' }, ['--scenario always goes through the socket']],
    ['a server for the store', { file, url: 'http://h' }, ['--url needs --through socket']],
    [
      'a scenario at some speed, resumed',
      { scenario, speed: 'max', resume: 'state' },
      ['--speed is for transcripts only', '--resume is for transcripts only'],
    ],
    [
      'a comparison that would send',
      { file, checkOnly: true, history: 'log', rejected: 'lines' },
      [
        '--rejected cannot be combined with --check-only, which sends nothing',
        '--history cannot be combined with --check-only, which sends nothing',
      ],
    ],
    [
      'gaps at a fixed rate',
      { file, speed: '5/s', maxGap: 1 },
      ['--max-gap needs --speed original or a multiple such as x10'],
    ],
    ['a transcript to keep', { file, keep: true }, ['--keep is for --scenario']],
  ])('cannot be %s', ([, request, mistakes]) => {
    expect(mistakesIn(request)).toEqual(mistakes)
    expect(() => checkRequest(request)).toThrow(expect.objectContaining({ code: 'usage', message: mistakes[0] }))
  })

  test('explains a transcript that --embedded took for its folder', () => {
    expect(mistakesIn({ embedded: file })).toEqual([
      `name a transcript, or - for standard input, or --scenario guest-flow (--embedded took ${file} for its folder: put the transcript before it)`,
    ])
  })
})

describe('a journal', () => {
  test.for<[ReplayRequest, string | undefined]>([
    [{ file }, undefined],
    [{ file, through: 'store' }, undefined],
    [{ file, through: 'socket', speed: 'max' }, '--through socket'],
    [{ file, checkOnly: true }, undefined],
    [{ file, history: 'log' }, '--history'],
  ])('%j: refuses %s', ([request, refused]) => {
    const check = (): void => checkJournalRequest(request)
    if (refused === undefined) expect(check).not.toThrow()
    else
      expect(check).toThrow(
        expect.objectContaining({ code: 'usage', next: [expect.objectContaining({ text: `leave out ${refused}` })] }),
      )
  })
})
