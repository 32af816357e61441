import type { Blockage } from '../database/blockers.js'
import { PartLocked } from '../database/waiting/read-in-parts.js'
import type { Finding } from './finding.js'

/** A check could not read everything that it needs; what it found in the rest is certain. */
export class PartlyLocked extends PartLocked {
  constructor(
    blockage: Blockage,
    readonly found: readonly Finding[],
  ) {
    super(blockage)
  }
}

/** The findings on several things. @throws PartlyLocked if one of them could not be read, with those on the others */
export const findingsOnEach = <T, Code extends string>(
  things: readonly T[],
  findingsOn: (thing: T) => readonly Finding<Code>[],
): readonly Finding<Code>[] => {
  const found: Finding<Code>[] = []
  let blockage: Blockage | undefined
  for (const thing of things) {
    try {
      found.push(...findingsOn(thing))
    } catch (error) {
      if (!(error instanceof PartLocked)) throw error
      blockage = error.blockage
    }
  }
  if (blockage !== undefined) throw new PartlyLocked(blockage, found)
  return found
}
