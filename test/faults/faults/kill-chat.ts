import { cutAtWrites, type Moment } from '../../support/commit-cutter.js'
import { pick } from '../../bench/random.js'
import { seen, type Fault } from '../fault.js'
import { waitFor } from '../wait-for.js'

const killAt = (name: string, summary: string, moment: Moment): Fault => ({
  name,
  summary,
  strike: async ({ servers, random, hold, signal }) => {
    const { process, back } = pick(random, servers)
    const cutter = cutAtWrites(moment, 1, () => process.kill())
    const stop = back.judge(cutter.makeTap)
    // The protocol can only be followed from its beginning.
    back.cut()
    const isKilled = await waitFor(() => cutter.cuts() > 0, signal)
    stop()
    if (!isKilled) return seen([0, 'servers killed'])
    const end = await process.ended()
    await hold(0, 500)
    await process.start()
    return seen([end === 'SIGKILL' ? 1 : 0, 'servers killed'])
  },
})

export const killChatBeforeCommit = killAt(
  'kill-chat-before-commit',
  'kill -9 of a chat server as its write of messages is on the way, which is lost',
  'before the write arrives',
)

export const killChatAfterCommit = killAt(
  'kill-chat-after-commit',
  'kill -9 of a chat server whose messages are committed and not yet acknowledged',
  'after its commit',
)

export const terminateChat: Fault = {
  name: 'terminate-chat',
  summary: 'SIGTERM to a chat server with messages under way: it finishes them and ends with exit code 0',
  strike: async ({ servers, random, complain }) => {
    const { name, process } = pick(random, servers)
    const code = await process.terminate()
    if (code !== 0) complain(`server ${name} ended with ${code} after SIGTERM`)
    await process.start()
    return seen([1, 'servers ended'])
  },
}
