/**
 * Holds back what a socket sends before its first join, and while an operator is checked. A stock client sends what it
 * buffered while disconnected before its `connect` handler runs, and so before the join.
 */
export interface JoinGate {
  /**
   * What an event waits for; undefined: it may go on. The promise never rejects, and those that wait for it go on in the order
   * in which they came.
   */
  wait(event: string): Promise<void> | undefined
  /** The socket has joined, or will not join any more: what waits goes on. Does nothing while an operator is checked. */
  open(): void
  /** Runs a join that takes a while; what is sent meanwhile, other joins too, waits for its end. */
  during<T>(join: Promise<T>): Promise<T>
}

/** What need not wait for a first join. */
const BEFORE_JOIN = ['join', 'unknown']

interface Gate {
  readonly opened: Promise<void>
  readonly open: () => void
}

export const createJoinGate = (): JoinGate => {
  let gate: Gate | undefined
  let isJoining = false

  const close = (): Gate => {
    let open: () => void = () => undefined
    // Until all that waits is about to go on, later events wait too: nothing overtakes.
    const opened = new Promise<void>((resolve) => (open = resolve)).then(() => {
      gate = undefined
    })
    return { opened, open }
  }
  gate = close()

  return {
    wait: (event) => (isJoining || !BEFORE_JOIN.includes(event) ? gate?.opened : undefined),
    open: () => {
      if (!isJoining) gate?.open()
    },
    during: (join) => {
      isJoining = true
      gate ??= close()
      const { open } = gate
      const end = (): void => {
        isJoining = false
        open()
      }
      join.then(end, end)
      return join
    },
  }
}
