import { describeAge } from '../../terminal/age.js'
import type { StandbyState } from './replication-state.js'

/** Such as `standby, 3 s behind`; `primary` for a server that is none. */
export const describeServerRole = ({ isStandby, behindS, isDetached }: StandbyState): string => {
  if (!isStandby) return 'primary'
  if (isDetached) return 'standby, without its primary'
  return behindS === null ? 'standby' : `standby, ${describeAge(behindS)} behind`
}
