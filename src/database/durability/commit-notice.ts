import type { ClientBase } from 'pg'

/** A statement's answer, and whether its commit was reported as not waited for. */
export interface NoticedCommit<T> {
  readonly result: T
  /** Its rows are visible, but no synchronous standby need have them. */
  readonly isUnconfirmed: boolean
}

/**
 * Runs a statement that commits, and listens for the server's warning that the commit's wait for a synchronous standby was
 * ended, by a cancel request or because the session is being terminated. The transaction is committed all the same, and the
 * driver reports success. The routine is the same in every language of the server; client_min_messages must be warning or lower.
 */
export const noticeCommit = async <T>(client: ClientBase, statement: () => Promise<T>): Promise<NoticedCommit<T>> => {
  let isUnconfirmed = false
  const onNotice = ({ routine }: { readonly routine: string | undefined }): void => {
    if (routine === 'SyncRepWaitForLSN') isUnconfirmed = true
  }
  client.on('notice', onNotice)
  try {
    return { result: await statement(), isUnconfirmed }
  } finally {
    client.off('notice', onNotice)
  }
}
