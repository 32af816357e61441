import { hasSqlState, SqlState } from '../sql-state.js'

/**
 * Asks the database about a list. What has a character that the database's encoding lacks cannot be in it, and costs the others
 * no answer. Not inside a transaction, which the first refusal would end.
 */
export const askInHalves = async <Item, Row>(
  items: readonly Item[],
  ask: (items: readonly Item[]) => Promise<readonly Row[]>,
): Promise<readonly Row[]> => {
  try {
    return await ask(items)
  } catch (error) {
    if (!hasSqlState(error, SqlState.untranslatableCharacter)) throw error
    if (items.length <= 1) return []
    const middle = Math.ceil(items.length / 2)
    return [...(await askInHalves(items.slice(0, middle), ask)), ...(await askInHalves(items.slice(middle), ask))]
  }
}
