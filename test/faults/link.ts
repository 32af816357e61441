import { withProxy, type Tap } from '../support/cuttable-proxy.js'

/** A way between two programs, on which anything may happen to what they say. */
export interface Link {
  readonly url: string
  /** Cuts every connection; new ones are taken. */
  readonly cut: () => void
  /** Leads new connections to another place. */
  readonly pointAt: (url: string) => void
  /**
   * Has everything judged that passes from now on.
   * @param makeTap for one connection; one that was there before is joined in the middle, unless it is cut
   * @returns ends it
   */
  readonly judge: (makeTap: () => Tap) => () => void
  /** Connections taken so far. */
  readonly connections: () => number
}

const OPEN_TAP: Tap = { fromClient: () => 'pass', fromServer: () => 'pass' }

/** Opens one link for each of these places as long as the work lasts. */
export const withLinks = async <T>(
  urls: readonly string[],
  work: (links: readonly Link[]) => Promise<T>,
  opened: readonly Link[] = [],
): Promise<T> => {
  const [url, ...rest] = urls
  if (url === undefined) return work(opened)
  const { makeTap, judge, connections } = createJudge()
  const outcome: T[] = []
  await withProxy(
    url,
    async ({ url: near, cut, pointAt }) => {
      const link: Link = { url: near, cut, pointAt, judge, connections }
      outcome.push(await withLinks(rest, work, [...opened, link]))
    },
    makeTap,
  )
  return outcome[0] as T
}

interface Judging {
  readonly makeTap: () => Tap
}

const createJudge = (): Pick<Link, 'judge' | 'connections'> & { readonly makeTap: () => Tap } => {
  let current: Judging | undefined
  let connections = 0
  return {
    makeTap: () => {
      connections += 1
      let known: Judging | undefined
      let tap = OPEN_TAP
      const tapNow = (): Tap => {
        if (known === current) return tap
        known = current
        tap = current?.makeTap() ?? OPEN_TAP
        return tap
      }
      // From the first byte on: whoever follows a protocol needs its beginning.
      tapNow()
      return { fromClient: (bytes) => tapNow().fromClient(bytes), fromServer: (bytes) => tapNow().fromServer(bytes) }
    },
    judge: (makeTap) => {
      const own = { makeTap }
      current = own
      return () => {
        if (current === own) current = undefined
      }
    },
    connections: () => connections,
  }
}
