import { closeSync, openSync, readFileSync } from 'node:fs'
import { ReadStream, WriteStream } from 'node:tty'
import type { ControllingTerminal, Dialogue } from './context.js'

const PATH = '/dev/tty'

/**
 * The terminal that started this process, whatever its streams are redirected to; undefined without one, as in cron, systemd
 * and CI, and on systems without `/dev/tty`.
 */
export const controllingTerminal = (): ControllingTerminal | undefined => {
  try {
    closeSync(openSync(PATH, 'r+'))
  } catch {
    return undefined
  }
  return { isForeground: isForeground(), open }
}

const open = (): Dialogue => {
  const input = new ReadStream(openSync(PATH, 'r'))
  const output = new WriteStream(openSync(PATH, 'w'))
  return {
    input,
    write: (text) => void output.write(text),
    close: () => {
      input.destroy()
      output.end()
    },
  }
}

// A process in the background that reads from its terminal is stopped by the kernel, and would wait for ever.
const isForeground = (): boolean => {
  try {
    // After the name of the program, which may contain anything: state, ppid, pgrp, session, tty_nr, tpgid (proc(5)).
    const [, , group, , , foregroundGroup] = readFileSync('/proc/self/stat', 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ')
    return group === foregroundGroup
  } catch {
    // Systems without /proc do not tell this cheaply.
    return true
  }
}
