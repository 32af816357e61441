import { participantKey, type Participant } from '../../protocol/participants.js'
import { newsSchema, type PeerNews } from '../peer-news.js'

/** The other servers on the same database, and who is connected to them, as they last announced. */
export interface Peers {
  /** The participant as joined on another server. */
  find(key: string): Participant | undefined
  all(): readonly Participant[]
  /** Whether somebody who is not known may be connected to another server: it cannot be heard, or could not a while ago. */
  mayMiss(): boolean
  /** Announces a participant who joined here. */
  entered(participant: Participant): void
  /** Announces that the last socket of a participant left here. */
  left(participant: Participant): void
  /** Announces that this server is gone; afterwards nothing is published. */
  close(): void
}

export interface PeersOptions {
  /** Identifies this server. */
  readonly self: string
  readonly publish: (news: PeerNews) => void
  /** Whether the other servers can be heard; while they cannot, none counts as gone. */
  readonly isConnected: () => boolean
  /** Whether the participant has a socket on this server. */
  readonly isHere: (participant: Participant) => boolean
  readonly participantsHere: () => readonly Participant[]
  /** A participant got a first socket on any server, or lost the last one, on another server. */
  readonly onArrival: (participant: Participant) => void
  readonly onDeparture: (participant: Participant, cause: 'left' | 'lost') => void
  /** Every server that was known at an `introduce` was heard since, or counts as gone. */
  readonly onReunited: () => void
}

export interface ConnectedPeers extends Peers {
  /** Handles what another server published. */
  receive(news: unknown): void
  /** Announces all participants and asks the others for theirs: at the start and after an outage. */
  introduce(): void
}

/** For a single server. */
export const NO_PEERS: Peers = {
  find: () => undefined,
  all: () => [],
  mayMiss: () => false,
  entered: () => undefined,
  left: () => undefined,
  close: () => undefined,
}

const HEARTBEAT_MS = 2_000
/** Three missed heartbeats and some margin. */
const SILENCE_MS = 7_000

/**
 * A server that is not heard may have lost its connection to the database only, for as long as its outage takes. Nothing tells it from
 * one that is gone, nor who has come to it.
 */
const DOUBT_MS = 600_000

interface Peer {
  heardAt: number
  readonly participants: Map<string, Participant>
}

/**
 * Keeps in memory who is connected to the other servers, so no request waits for another server. A silent server counts as gone
 * with all its participants; once it is heard again, it is asked for them.
 */
export const createPeers = (options: PeersOptions): ConnectedPeers => {
  const { self, isConnected, isHere, participantsHere, onArrival, onDeparture } = options
  let isClosed = false
  const publish = (news: PeerNews): void => {
    if (!isClosed) options.publish(news)
  }
  const peers = new Map<string, Peer>()
  const unheard = new Set<string>()
  let doubtedAt = -Infinity
  const met = (server: string): void => {
    if (unheard.delete(server) && unheard.size === 0) options.onReunited()
  }

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
  const remove = ({ participants }: Peer, participant: Participant, cause: 'left' | 'lost'): void => {
    if (participants.delete(participantKey(participant)) && !isAnywhere(participant)) onDeparture(participant, cause)
  }
  const replaceAll = (peer: Peer, listed: readonly Participant[], cause: 'left' | 'lost'): void => {
    const keys = new Set(listed.map(participantKey))
    for (const [key, participant] of [...peer.participants]) if (!keys.has(key)) remove(peer, participant, cause)
    for (const participant of listed) add(peer, participant)
  }
  const forget = (server: string): void => {
    const peer = peers.get(server)
    if (peer === undefined) return
    doubtedAt = Date.now()
    replaceAll(peer, [], 'lost')
    peers.delete(server)
    met(server)
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
    if (news.kind === 'list') replaceAll(peer, news.participants, 'left')
    if (news.kind === 'hello') sayWhoIsHere()
    if (news.kind === 'entered') add(peer, news.participant)
    if (news.kind === 'left') remove(peer, news.participant, 'left')
    // Its other participants are in the answer; a server that introduces itself lists them without being asked.
    if (known === undefined && news.kind !== 'list') sayHello()
    met(news.server)
  }

  let beatenAt = Date.now()
  const beat = (): void => {
    publish({ kind: 'alive', server: self })
    const now = Date.now()
    // This process was suspended, and has not yet read what the others published meanwhile.
    const wasSuspended = now - beatenAt > 2 * HEARTBEAT_MS
    beatenAt = now
    for (const [server, peer] of [...peers]) {
      if (wasSuspended || !isConnected()) peer.heardAt = now
      else if (now - peer.heardAt > SILENCE_MS) forget(server)
    }
  }
  const heartbeat = setInterval(beat, HEARTBEAT_MS).unref()

  return {
    find,
    all: () => [...peers.values()].flatMap(({ participants }) => [...participants.values()]),
    mayMiss: () => !isConnected() || Date.now() - doubtedAt < DOUBT_MS,
    entered: (participant) => publish({ kind: 'entered', server: self, participant }),
    left: (participant) => publish({ kind: 'left', server: self, participant }),
    receive: (news) => {
      const parsed = newsSchema.safeParse(news)
      if (parsed.success) take(parsed.data)
    },
    introduce: () => {
      doubtedAt = Date.now()
      for (const server of peers.keys()) unheard.add(server)
      sayWhoIsHere()
      sayHello()
    },
    close: () => {
      clearInterval(heartbeat)
      publish({ kind: 'bye', server: self })
      isClosed = true
    },
  }
}
