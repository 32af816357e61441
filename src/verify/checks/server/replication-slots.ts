import type { ReplicationSlot } from '../../../database/replication/replication-state.js'
import { or, sql } from '../../../next-step.js'
import { describeAge } from '../../../terminal/age.js'
import { byteSize } from '../../../terminal/render.js'
import type { ServerCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { finding, type Finding } from '../../finding.js'

type Code = 'slot_lost' | 'slot_inactive'

/** Does every replication slot keep what its standby or subscriber needs, and is somebody there who takes it? */
export const replicationSlots: ServerCheck<Code> = {
  name: 'replication-slots',
  expectations: ALWAYS,
  needs: {},
  findings: ({ server: { replication } }) => {
    const { slots, mostKeptBytes, isStandby } = replication
    return slots.flatMap((slot) => {
      if (isLost(slot)) return [lost(slot)]
      // On a standby, Patroni and PostgreSQL itself keep slots ready for a failover.
      if (slot.isActive || slot.keptBytes === null || isStandby || isReconnecting(slot)) return []
      return [inactive(slot, slot.keptBytes, mostKeptBytes)]
    })
  },
  explanations: {
    slot_lost: {
      title: 'a replication slot is lost: its standby or subscriber cannot go on',
      severities: ['warning'],
      meaning: `The server has removed WAL that the slot should have kept, or has invalidated it. A standby then stops
        replaying unless it finds the WAL in an archive; a subscriber stops for good. Neither can take over.`,
      cause: `The slot kept more than max_slot_wal_keep_size, was unused for idle_replication_slot_timeout, or wal_level was
        lowered.`,
      remedy: `Drop the slot, and build the standby anew (pg_basebackup or pg_rewind, with Patroni: patronictl reinit); a
        subscription is created again with its data.`,
    },
    slot_inactive: {
      title: 'nobody takes what a replication slot keeps',
      severities: ['warning', 'note'],
      meaning: `The server keeps all WAL since the slot was last used, and holds back vacuum where the slot has a transaction
        id. Without max_slot_wal_keep_size (warning) that goes on until the disk is full and no message can be saved; with it
        (note) the slot is lost at that size.`,
      cause: 'The standby or subscriber is stopped, or was removed and its slot was not.',
      remedy:
        'Start what uses it. If that is gone, drop the slot. Set max_slot_wal_keep_size below the free space of the disk.',
    },
  },
}

/** Its user may be restarting. Before PostgreSQL 17 the server does not say since when it is unused. */
const isReconnecting = ({ inactiveS }: ReplicationSlot): boolean => inactiveS !== null && inactiveS < 60

const isLost = ({ walStatus, invalidationReason }: ReplicationSlot): boolean =>
  walStatus === 'lost' || walStatus === 'unreserved' || invalidationReason !== null

const drop = ({ name }: ReplicationSlot, why: string) => sql(`SELECT pg_drop_replication_slot('${name}')`, why)

const lost = (slot: ReplicationSlot): Finding<Code> => {
  const reason = slot.invalidationReason === null ? '' : ` (${slot.invalidationReason})`
  return finding('warning', 'slot_lost', {
    object: `replication slot ${JSON.stringify(slot.name)}`,
    expected: 'to keep the WAL that its user needs',
    actual: `${slot.walStatus ?? 'invalidated'}${reason}: what uses it cannot go on`,
    help: [drop(slot, 'let go of it'), 'build the standby or the subscription anew'],
  })
}

const inactive = (slot: ReplicationSlot, keptBytes: number, mostKeptBytes: number | null): Finding<Code> => {
  const since = slot.inactiveS === null ? '' : ` for ${describeAge(slot.inactiveS)}`
  const limit = mostKeptBytes === null ? 'without a limit' : `of at most ${byteSize(mostKeptBytes)}`
  return finding(mostKeptBytes === null ? 'warning' : 'note', 'slot_inactive', {
    object: `replication slot ${JSON.stringify(slot.name)}`,
    expected: 'in use',
    actual: `unused${since}; the server keeps ${byteSize(keptBytes)} of WAL for it, ${limit}`,
    help: ['start the standby or subscriber that uses it', or(drop(slot, 'if there is none any more'))],
  })
}
