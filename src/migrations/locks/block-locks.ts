import type { TableLock } from './lock-modes.js'

/**
 * Locks of the DO blocks in chatkeep's migrations, by the MD5 of their body. A block's locks do not show in its syntax; a
 * test runs each block on a real server and prints the expected entry. GRANT and REVOKE lock no table.
 */
export const BLOCK_LOCKS: ReadonlyMap<string, readonly TableLock[]> = new Map<string, readonly TableLock[]>([
  // 8_create-own-tables: privileges on our own tables
  ['e856ac1917e641b4b5d59fdbf12628a1', []],
  // 11_note-chats: privileges and settings of our own functions
  ['5c8e0965ed8c77fa949e2bd64413a4d1', []],
  // rollback/12_fill-chats: a comment
  ['3e26086925cb7250ef0fc055d19ae7f1', [{ table: 'chatkeep_chats', mode: 'SHARE UPDATE EXCLUSIVE' }]],
  // rollback/8_create-own-tables: moves the table of guests' clients to the archive
  ['551c54c5daf5eefa929a3d29baa18f2f', [{ table: 'chatkeep_guest_clients', mode: 'ACCESS EXCLUSIVE' }]],
])
