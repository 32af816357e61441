declare global {
  // As in the library of TypeScript, which older settings of an application leave out.
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol
  }
}

/** What `await using` closes at the end of its block. */
export interface AsyncClosable {
  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** What `asyncClosable` completes. */
export type NotYetClosable<T> = Omit<T, typeof Symbol.asyncDispose>

/** Makes what can be closed fit for `await using`. */
export const asyncClosable = <T extends { close(patienceMs?: number): Promise<void> }>(
  resource: T,
): T & AsyncClosable => Object.assign(resource, { [Symbol.asyncDispose]: () => resource.close() })
