import { participantKey, type Participant } from '../../protocol/participants.js'
import { newsSchema, type PeerNews } from '../peer-news.js'

/** The other servers on the same database, and who is connected to them, as far as they have said. */
export interface Peers {
  /** The participant as it joined at another server. */
  find(key: string): Participant | undefined
  all(): readonly Participant[]
  /** Tells the others who has joined here. */
  entered(participant: Participant): void
  /** Tells the others that the last socket of a participant has left here. */
  left(participant: Participant): void
  /** Tells the others that nobody is here any more. */
  close(): void
}

export interface PeersOptions {
  /** Names this server among the others. */
  readonly self: string
  readonly publish: (news: PeerNews) => void
  /** Whether others can be heard; while not, nobody counts as gone. */
  readonly isConnected: () => boolean
  /** Whether one of this server's own sockets is the participant's. */
  readonly isHere: (participant: Participant) => boolean
  readonly participantsHere: () => readonly Participant[]
  /** Somebody is connected to the servers now, or is not any more, whom this server did not know of at all before. */
  readonly onArrival: (participant: Participant) => void
  readonly onDeparture: (participant: Participant) => void
}

export interface ConnectedPeers extends Peers {
  /** Takes what another server has published. */
  receive(news: unknown): void
  /** Tells everything and asks the others for everything: at the start and after an outage. */
  introduce(): void
}

/** A server on its own. */
export const NO_PEERS: Peers = {
  find: () => undefined,
  all: () => [],
  entered: () => undefined,
  left: () => undefined,
  close: () => undefined,
}

const HEARTBEAT_MS = 2_000
/** Three heartbeats missed, and a moment. */
const SILENCE_MS = 7_000

interface Peer {
  heardAt: number
  readonly participants: Map<string, Participant>
}

/**
 * Keeps, in memory, who is connected to the other servers, so that nobody who joins or asks ever waits for one of them.
 * A server that falls silent counts as gone with all its participants; when it speaks again it is asked for them.
 */
export const createPeers = (options: PeersOptions): ConnectedPeers => {
  const { self, publish, isConnected, isHere, participantsHere, onArrival, onDeparture } = options
  const peers = new Map<string, Peer>()

  const find = (key: string): Participant | undefined => {
    for (const { participants } of peers.values()) {
      const found = participants.get(key)
      if (found !== undefined) return found
    }
    return undefined
  }
  const isAnywhere = (participant: Participant): boolean =>
    find(participantKey(participant)) !== undefined || isHere(participant)

  const add = ({ participants }: Peer, participant: Participant): void => {
    const isNew = !isAnywhere(participant)
    participants.set(participantKey(participant), participant)
    if (isNew) onArrival(participant)
  }
  const remove = ({ participants }: Peer, participant: Participant): void => {
    if (participants.delete(participantKey(participant)) && !isAnywhere(participant)) onDeparture(participant)
  }
  const replaceAll = (peer: Peer, listed: readonly Participant[]): void => {
    const keys = new Set(listed.map(participantKey))
    for (const [key, participant] of [...peer.participants]) if (!keys.has(key)) remove(peer, participant)
    for (const participant of listed) add(peer, participant)
  }
  const forget = (server: string): void => {
    const peer = peers.get(server)
    if (peer === undefined) return
    replaceAll(peer, [])
    peers.delete(server)
  }

  const sayHello = (): void => publish({ kind: 'hello', server: self })
  const sayWhoIsHere = (): void => publish({ kind: 'list', server: self, participants: [...participantsHere()] })

  const take = (news: PeerNews): void => {
    if (news.kind === 'bye') {
      forget(news.server)
      return
    }
    const known = peers.get(news.server)
    const peer = known ?? { heardAt: 0, participants: new Map<string, Participant>() }
    peer.heardAt = Date.now()
    peers.set(news.server, peer)
    if (news.kind === 'list') replaceAll(peer, news.participants)
    if (news.kind === 'hello') sayWhoIsHere()
    if (news.kind === 'entered') add(peer, news.participant)
    if (news.kind === 'left') remove(peer, news.participant)
    // Whom else it has is in the answer; a server that introduces itself says so unasked.
    if (known === undefined && news.kind !== 'list') sayHello()
  }

  let beatenAt = Date.now()
  const beat = (): void => {
    publish({ kind: 'alive', server: self })
    const now = Date.now()
    // This process stood still itself, and what the others said meanwhile is not read yet.
    const stoodStill = now - beatenAt > 2 * HEARTBEAT_MS
    beatenAt = now
    for (const [server, peer] of [...peers]) {
      if (stoodStill || !isConnected()) peer.heardAt = now
      else if (now - peer.heardAt > SILENCE_MS) forget(server)
    }
  }
  const heartbeat = setInterval(beat, HEARTBEAT_MS).unref()

  return {
    find,
    all: () => [...peers.values()].flatMap(({ participants }) => [...participants.values()]),
    entered: (participant) => publish({ kind: 'entered', server: self, participant }),
    left: (participant) => publish({ kind: 'left', server: self, participant }),
    receive: (news) => {
      const parsed = newsSchema.safeParse(news)
      if (parsed.success) take(parsed.data)
    },
    introduce: () => {
      sayWhoIsHere()
      sayHello()
    },
    close: () => {
      clearInterval(heartbeat)
      publish({ kind: 'bye', server: self })
    },
  }
}
