import type { TableLock } from './lock-modes.js'

/**
 * Locks of the DO blocks in chatkeep's migrations, by the MD5 of their body. A block's locks do not show in its syntax; a
 * test runs each block on a real server and prints the expected entry. GRANT and REVOKE lock no table.
 */
export const BLOCK_LOCKS: ReadonlyMap<string, readonly TableLock[]> = new Map<string, readonly TableLock[]>([
  // 8_create-own-tables: privileges on the table of guests' clients
  ['8ff20e937d309788e0326dc0e3bf26cb', []],
  // rollback/8_create-own-tables: moves the table of guests' clients to the archive
  ['551c54c5daf5eefa929a3d29baa18f2f', [{ table: 'chatkeep_guest_clients', mode: 'ACCESS EXCLUSIVE' }]],
])
