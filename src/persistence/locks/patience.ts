/** Times of a message that is being saved, in milliseconds since 1970. */
interface Times {
  readonly since: number
  readonly deadline: number
}

/** How long a guest's message waits for the transaction that is creating the guest's client; then it is saved without one. */
const CLIENT_PATIENCE_MS = 1_000

const clientWaitEnds = ({ since, deadline }: Times): number =>
  since + Math.min(CLIENT_PATIENCE_MS, (deadline - since) / 2)

const rowWaitEnds = ({ since, deadline }: Times): number => since + (deadline - since) / 2

/** Whether a guest's message waits for the transaction that is creating the guest's client. */
export const mayWaitForClient = (pending: Times): boolean => Date.now() < clientWaitEnds(pending)

/** Whether a guest's message waits for the transaction that has locked the row of the guest's client. */
export const mayWaitForRow = (pending: Times): boolean => Date.now() <= rowWaitEnds(pending)

/** In how many milliseconds a wait of a message ends that had not ended when it was tried; Infinity if there was none. */
export const waitEndsInMs = (pending: Times, triedAt: number): number =>
  Math.min(
    ...[clientWaitEnds(pending), rowWaitEnds(pending)].map((end) =>
      end < triedAt ? Infinity : Math.max(0, end + 1 - Date.now()),
    ),
  )
