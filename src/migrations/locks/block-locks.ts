import type { TableLock } from './lock-modes.js'

/**
 * Locks of the DO blocks that come with chatkeep, by the md5 of their body. Nobody can read them off a block; a test runs
 * each on a real server, compares, and says what belongs here. GRANT and REVOKE lock no table.
 */
export const BLOCK_LOCKS: ReadonlyMap<string, readonly TableLock[]> = new Map<string, readonly TableLock[]>([
  // 8_create-own-tables: rights on our own tables
  ['e856ac1917e641b4b5d59fdbf12628a1', []],
  // 11_note-chats: rights and settings of our own functions
  ['5c8e0965ed8c77fa949e2bd64413a4d1', []],
  // rollback/12_fill-chats: a comment
  ['3e26086925cb7250ef0fc055d19ae7f1', [{ table: 'chatkeep_chats', mode: 'SHARE UPDATE EXCLUSIVE' }]],
  // rollback/8_create-own-tables: what remembers guests' clients goes to the archive
  ['551c54c5daf5eefa929a3d29baa18f2f', [{ table: 'chatkeep_guest_clients', mode: 'ACCESS EXCLUSIVE' }]],
])
