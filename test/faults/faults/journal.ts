import { statSync } from 'node:fs'
import { pick } from '../../bench/random.js'
import { bodyOf } from '../bodies.js'
import type { Settlement } from '../books.js'
import { messageIdOf } from '../crowd.js'
import { seen, type Fault } from '../fault.js'
import { emit, openSocket } from '../raw-socket.js'
import type { Stage } from '../stage.js'
import { waitFor } from '../wait-for.js'

/** How much may still be written until the disk counts as full. */
const ROOM_BYTES = 60_000

const PATIENCE_MS = 10_000

const DISK_FULL = 'journal_disk_full'

export const fillJournalDisk: Fault = {
  name: 'fill-journal-disk',
  summary: 'the database is killed, and the disk of a journal is full soon after (RLIMIT_FSIZE)',
  strike: async (stage) => {
    const { database, servers, crowd, random, hold } = stage
    const { process, front } = pick(random, servers)
    const queued = crowd.counts().queued
    const before = await process.countEvents(DISK_FULL)
    try {
      await process.limitFiles(statSync(process.journal).size + ROOM_BYTES)
    } catch (error) {
      return { skipped: `prlimit cannot be used: ${String(error)}` }
    }
    await database.kill()
    const { named, kept } = await writeUntilRefused(stage, front.url)
    await hold(500, 2_000)
    await process.limitFiles('unlimited')
    await hold(0, 500)
    await database.restart()
    await kept
    const logged = (await process.countEvents(DISK_FULL)) - before
    return seen([named, 'answers'], [logged, DISK_FULL], [crowd.counts().queued - queued, 'messages queued'])
  },
}

interface Refusal {
  /** Answers that named the full disk. */
  readonly named: number
  /** When the refused message is kept after all. */
  readonly kept: Promise<void>
}

// A guest of its own, on a socket without patience: it hears the refusal as it is.
const writeUntilRefused = async ({ crowd, books, seed, signal }: Stage, url: string): Promise<Refusal> => {
  const { account, client, name, phone } = await crowd.invite()
  const socket = await openSocket(url, { role: 'client', username: name, phone, token: client.token })
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    signal.throwIfAborted()
    const number = books.begin(account)
    const message = { ...bodyOf(seed, account.sender, number), messageId: messageIdOf(number) }
    const answer = await emit(socket, 'clientMessage', message)
    if (answer?.ok === true && Date.now() < deadline) {
      books.settle(account, number, settlementOf(answer.id))
      continue
    }
    socket.disconnect()
    const kept = client.send(message).then(({ id }) => books.settle(account, number, settlementOf(id)))
    return { named: answer?.error?.message.includes('disk is full') === true ? 1 : 0, kept }
  }
}

const settlementOf = (id: number | string | null | undefined): Settlement =>
  id == null ? { kind: 'queued' } : { kind: 'stored', id }

const ENOUGH_QUEUED = 20

export const killChatWithJournal: Fault = {
  name: 'kill-chat-with-journal',
  summary: 'the database is killed, then a chat server with messages in its journal; both come back',
  strike: async ({ database, servers, crowd, random, hold, signal }) => {
    const { process } = pick(random, servers)
    const before = crowd.counts().queued
    await database.kill()
    await waitFor(() => crowd.counts().queued >= before + ENOUGH_QUEUED, signal)
    await hold(0, 1_000)
    process.kill()
    const end = await process.ended()
    await database.restart()
    await process.start()
    return seen([end === 'SIGKILL' ? 1 : 0, 'servers killed'], [crowd.counts().queued - before, 'messages queued'])
  },
}

export const killWhileDraining: Fault = {
  name: 'kill-while-draining',
  summary: 'a chat server, and then the database once more, are killed while the journals are drained',
  strike: async ({ database, servers, crowd, random, hold, signal }) => {
    const { process } = pick(random, servers)
    const before = crowd.counts().queued
    let killed = await database.kill()
    await waitFor(() => crowd.counts().queued >= before + ENOUGH_QUEUED, signal)
    await hold(500, 2_000)
    await database.restart()
    await hold(20, 400)
    process.kill()
    await hold(20, 400)
    killed += await database.kill()
    await hold(100, 500)
    await database.restart()
    await process.start()
    return seen([killed, 'processes of the database killed'], [crowd.counts().queued - before, 'messages queued'])
  },
}

export const replayJournal: Fault = {
  name: 'replay-journal',
  summary:
    'a chat server is killed with messages in its journal, which `chatkeep replay` then brings into the database',
  strike: async ({ database, servers, command, crowd, complain, random, hold, signal }) => {
    const { process } = pick(random, servers)
    const before = crowd.counts().queued
    await database.kill()
    await waitFor(() => crowd.counts().queued >= before + ENOUGH_QUEUED, signal)
    await hold(0, 1_000)
    process.kill()
    await process.ended()
    await database.restart()
    const { exitCode, stderr } = await command('replay', process.journal)
    if (exitCode !== 0) complain(`replay of the journal ended with ${exitCode}: ${stderr}`)
    await process.start()
    return seen([exitCode === 0 ? 1 : 0, 'journals replayed'], [crowd.counts().queued - before, 'messages queued'])
  },
}
