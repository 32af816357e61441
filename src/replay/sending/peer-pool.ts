import type { ChatPeer } from '../../client/chat-peer.js'

/** Peers by name, with a bound on the number connected at a time. */
export interface PeerPool {
  /** Works with the peer of this name, created when there is none; a peer in use is never closed. */
  use<T>(name: string, create: () => ChatPeer, work: (peer: ChatPeer) => Promise<T>): Promise<T>
  close(): void
}

interface Entry {
  readonly peer: ChatPeer
  users: number
}

/** Closes the least recently used idle peers beyond `mostPeers`. */
export const createPeerPool = (mostPeers: number): PeerPool => {
  // In order of last use: a Map keeps insertion order.
  const entries = new Map<string, Entry>()
  const enter = (name: string, create: () => ChatPeer): Entry => {
    const entry = entries.get(name) ?? { peer: create(), users: 0 }
    entries.delete(name)
    entries.set(name, entry)
    entry.users += 1
    return entry
  }
  const evict = (): void => {
    for (const [name, { peer, users }] of entries) {
      if (entries.size <= mostPeers) return
      if (users > 0) continue
      entries.delete(name)
      peer.close()
    }
  }
  return {
    use: async (name, create, work) => {
      const entry = enter(name, create)
      evict()
      try {
        return await work(entry.peer)
      } finally {
        entry.users -= 1
      }
    },
    close: () => {
      for (const { peer } of entries.values()) peer.close()
      entries.clear()
    },
  }
}
