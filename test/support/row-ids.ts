import { createOpaqueText, revealId } from '../../src/protocol/opaque-text.js'

/** The id of the row that an acknowledgement or event is about: guests are told an opaque one. */
export type RowIdOf = (id: number | string) => number

/** @param operatorSecret of the servers that gave the ids */
export const rowIdsOf = (operatorSecret: string): RowIdOf => {
  const opaque = createOpaqueText(operatorSecret)
  return (id) => (typeof id === 'string' ? revealId(opaque, id) : id)
}
