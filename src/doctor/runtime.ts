import { packageVersion } from '../package-root.js'

/** What chatkeep runs on. */
export interface Runtime {
  readonly chatkeep: string
  /** Node.js, the system and its processor. */
  readonly platform: string
}

export const readRuntime = (platform: string): Runtime => ({ chatkeep: packageVersion(), platform })
