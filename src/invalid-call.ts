import { OperatorError, type OperatorErrorOptions } from './errors.js'

/** An option or a query of the caller is wrong; the message names it. Nothing was read or written. */
export class InvalidCall extends OperatorError {
  override readonly name = 'InvalidCall'
  readonly blames = 'caller'

  constructor(code: string, message: string, options: Pick<OperatorErrorOptions, 'hint' | 'details' | 'cause'> = {}) {
    super(code, message, options)
  }
}
