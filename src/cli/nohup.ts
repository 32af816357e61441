import { fstatSync, readSync } from 'node:fs'
import { basename } from 'node:path'
import { isatty } from 'node:tty'

/**
 * Whether nohup started the process. Node.js restores the signals that its parent ignores, so only two traces show it: `_`, in
 * which most shells name the program that they start, and standard input, in place of which GNU's nohup opens /dev/null for
 * writing if it was a terminal.
 */
export const isUnderNohup = ({ _: started = '' }: Readonly<Record<string, string | undefined>>): boolean =>
  basename(started) === 'nohup' || isInputWriteOnly()

const STDIN = 0

const isInputWriteOnly = (): boolean => {
  try {
    // Reading from anything else would take what somebody typed or piped.
    if (!fstatSync(STDIN).isCharacterDevice() || isatty(STDIN)) return false
    readSync(STDIN, Buffer.alloc(1))
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EBADF'
  }
}
