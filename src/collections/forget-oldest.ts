/** Removes the entries that were added first until no more than that many are left. */
export const forgetOldest = <Key>(
  collection: { readonly size: number; keys(): Iterable<Key>; delete(key: Key): boolean },
  most: number,
): void => {
  for (const oldest of collection.keys()) {
    if (collection.size <= most) return
    collection.delete(oldest)
  }
}
