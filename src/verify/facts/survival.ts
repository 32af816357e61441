import { isCopy, type Standby } from '../../database/replication/replication-state.js'
import { describeOthers, synchronousState } from '../../database/replication/synchronous-standbys.js'
import { byteSize, count, duration } from '../../terminal/render.js'
import { commitWaitIn, type ServerFacts } from './server-facts.js'

/** What an acknowledged message survives. */
export interface Survival {
  /**
   * The worst that it survives. `server-loss`: another server has it. `server-crash`: it is on the disk of this server.
   * `process-crash`: it may be in the memory of this machine only. `nothing`: not even that, or nothing is acknowledged.
   * `unknown`: this role may not see it, or the server is a standby, whose primary decides.
   */
  readonly level: 'server-loss' | 'server-crash' | 'process-crash' | 'nothing' | 'unknown'
  /** In one sentence, for people. */
  readonly text: string
}

type Known = Pick<
  ServerFacts,
  'fsync' | 'fullPageWrites' | 'synchronousCommit' | 'unloggedTables' | 'replication' | 'commitSettings'
>

/**
 * What the server promises of a message that the store has acknowledged, which commits with `synchronous_commit` on where it is
 * off.
 * @param role that of the application; undefined for that of the session
 */
export const survivalOf = (facts: Known, role?: string): Survival => {
  const { replication, unloggedTables } = facts
  const wait = commitWaitIn(facts, role)
  if (replication.isStandby)
    return { level: 'unknown', text: 'an acknowledged message survives what its primary promises: run verify there' }
  if (unloggedTables.includes('ChatMessage'))
    return { level: 'nothing', text: 'an acknowledged message survives no crash: the table "ChatMessage" is UNLOGGED' }
  const state = synchronousState(replication)
  if (state.kind === 'nobody' || wait === 'none') return onThisServer(facts)
  if (state.kind === 'hidden' && state.copies > 0)
    return {
      level: 'unknown',
      text: 'whether an acknowledged message survives the loss of this server is unknown to this role',
    }
  if (state.kind === 'named' && state.attached < state.needed)
    return {
      level: 'nothing',
      text: `no message is acknowledged: every commit waits for ${count(state.needed - state.attached, 'standby')}`,
    }
  if (state.kind === 'hidden' || state.copies === 0) {
    const { level, text } = onThisServer(facts)
    return { level, text: `${text}; ${describeOthers(state)}` }
  }
  const { copies, named } = state
  const who = `${copies}${named === null ? '' : ` of ${named}`} synchronous ${(named ?? copies) === 1 ? 'standby' : 'standbys'}`
  const where = `${copies === 1 ? 'has' : 'have'} it ${wait === 'memory' ? 'in memory' : 'on disk'}`
  return { level: 'server-loss', text: `an acknowledged message survives the loss of this server: ${who} ${where}` }
}

const onThisServer = ({ fsync, fullPageWrites, replication }: Known): Survival => {
  const off = [fsync, fullPageWrites].findIndex(({ value }) => value === 'off')
  if (off !== -1)
    return {
      level: 'process-crash',
      text: `an acknowledged message survives a crash of PostgreSQL, not of its machine: ${off === 0 ? 'fsync' : 'full_page_writes'} is off`,
    }
  const copies = replication.standbys.filter(isCopy)
  const limit = copies.length === 0 ? ', not the loss of its disk' : `; a failover now would lose ${missingOf(copies)}`
  return {
    level: 'server-crash',
    text: `an acknowledged message survives a crash of this server${limit}`,
  }
}

/** What a failover to the standby that has most would lose now, such as `12 kB of WAL, 150 ms`. */
export const missingOf = (standbys: readonly Standby[]): string => {
  const [nearest] = standbys.toSorted((a, b) => (a.missingBytes ?? Infinity) - (b.missingBytes ?? Infinity))
  if (nearest === undefined || nearest.missingBytes === null)
    return nearest?.syncState === null
      ? 'what the standbys lack, which this role may not see'
      : 'what the standbys lack, which they have not reported yet'
  if (nearest.missingBytes === 0) return 'nothing at this moment'
  const time = nearest.missingS === null ? '' : `, ${duration(1_000 * nearest.missingS)}`
  return `${byteSize(nearest.missingBytes)} of WAL${time}`
}
