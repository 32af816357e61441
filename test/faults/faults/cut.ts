import { cutAtWrites, type Moment } from '../../support/commit-cutter.js'
import { seen, type Fault } from '../fault.js'

/** Of all writes: some get through, or nothing would be learnt from those that do not. */
const SHARE = 0.3

const cutAt = (name: string, summary: string, moment: Moment): Fault => ({
  name,
  summary,
  strike: async ({ servers, hold }) => {
    const cutter = cutAtWrites(moment, SHARE)
    const stops = servers.map(({ back }) => back.judge(cutter.makeTap))
    for (const { back } of servers) back.cut()
    await hold(2_000, 4_000)
    for (const stop of stops) stop()
    return seen([cutter.cuts(), 'connections cut'])
  },
})

export const cutBeforeCommit = cutAt(
  'cut-before-commit',
  'connections to the database cut before a write of messages arrives',
  'before the write arrives',
)

export const cutDuringCommit = cutAt(
  'cut-during-commit',
  'connections to the database cut with a write of messages under way',
  'with the write under way',
)

export const cutAfterCommit = cutAt(
  'cut-after-commit',
  'connections to the database cut after the commit, the answer lost',
  'after its commit',
)
