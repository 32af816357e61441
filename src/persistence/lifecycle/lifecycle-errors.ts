import { ExitCode } from '../../errors.js'
import { StoreError } from '../errors.js'

/** There is no client of this id. Nothing was changed. */
export class ClientNotFound extends StoreError {
  override readonly name = 'ClientNotFound'
  constructor(readonly clientId: number) {
    super('client_not_found', `there is no client ${clientId}`, { blames: 'caller', exitCode: ExitCode.no })
  }
}

/** There is no message of this id. Nothing was changed. */
export class MessageNotFound extends StoreError {
  override readonly name = 'MessageNotFound'
  constructor(readonly messageId: number) {
    super('message_not_found', `there is no message ${messageId}`, { blames: 'caller', exitCode: ExitCode.no })
  }
}

/** The client was merged into another one, which has its messages. Nothing was changed. */
export class ClientMerged extends StoreError {
  override readonly name = 'ClientMerged'
  constructor(
    readonly clientId: number,
    readonly intoClientId: number,
  ) {
    super('client_merged', `client ${clientId} was merged into client ${intoClientId}`, {
      blames: 'caller',
      exitCode: ExitCode.no,
      hint: `use client ${intoClientId}`,
    })
  }
}

/** Another client, or a guest without client, has this name, or had it before. Nothing was changed. */
export class UsernameTaken extends StoreError {
  override readonly name = 'UsernameTaken'
  constructor(
    readonly username: string,
    /** Whose it is; null for a guest without client, and where an index of the application's rejects the name. */
    readonly clientId: number | null,
    whose: string,
  ) {
    super('username_taken', `the name ${JSON.stringify(username)} is taken: ${whose}`, {
      blames: 'caller',
      exitCode: ExitCode.no,
      hint: clientId === null ? 'choose another name' : 'choose another name, or merge the two clients',
    })
  }
}

/** Two clients that are not to be merged like this; the hint says how. Nothing was changed. */
export class MergeRefused extends StoreError {
  override readonly name = 'MergeRefused'
  constructor(reason: string, { hint, details = [] }: { readonly hint: string; readonly details?: readonly string[] }) {
    super('merge_refused', reason, { blames: 'caller', exitCode: ExitCode.refused, hint, details })
  }
}
