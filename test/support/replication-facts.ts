import type { ReplicationState, Standby } from '../../src/database/replication/replication-state.js'

/** A primary without standbys. */
export const ALONE: ReplicationState = {
  isStandby: false,
  behindS: null,
  isDetached: false,
  standbys: [],
  slots: [],
  standbyNames: '',
  mostKeptBytes: null,
}

/** A standby that is connected to a server. */
export const standby = (more: Partial<Standby> = {}): Standby => ({
  name: 'dr',
  isSynchronous: false,
  syncState: 'async',
  isSubscriber: false,
  isArchiver: false,
  lagS: null,
  missingS: null,
  missingBytes: 0,
  ...more,
})
