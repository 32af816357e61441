import { spawn } from 'node:child_process'
import { readFile, readlink, realpath } from 'node:fs/promises'
import { hostname, platform, tmpdir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { OperatorError } from '../../errors.js'
import { ownUserId } from '../../private-file.js'

/** The user a child process runs as; elsewhere in this folder `undefined` means the current user. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

export interface ProgramResult {
  readonly exitCode: number | null
  readonly output: string
}

export interface ProcessSnapshot {
  /** Distinguishes processes with the same pid; only compared for equality. */
  readonly startedAt: string
  readonly commandLine: string
}

/** The environment of the server's programs, independent of the caller's `PG*`, locale and time zone. */
export const childEnvironment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' }

const accountNames = ['postgres', 'chatkeep-postgres'] as const
const waysToAddAccount = [
  ['useradd', '--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent', '--shell', '/bin/false'],
  ['adduser', '--system', '--group', '--no-create-home', '--home', '/nonexistent', '--shell', '/bin/false'],
] as const
const abortGraceMs = 5_000

/** The account that PostgreSQL runs as: the current user or, because it refuses root, a user of its own, created if needed. */
export const findServerAccount = async (): Promise<Account | undefined> => {
  if (ownUserId() !== 0) return undefined
  for (const name of accountNames) {
    const account = await lookUpAccount(name)
    if (account) return account
  }
  return await addAccount(accountNames[1])
}

/** The first folder of a path that the account cannot enter. */
export const findObstacle = async (path: string, account: Account | undefined): Promise<string | undefined> => {
  const folders: string[] = []
  for (let folder = resolve(path); !folders.includes(folder); folder = dirname(folder)) folders.unshift(folder)
  const script = 'for folder do [ -x "$folder" ] || { printf %s "$folder"; exit; }; done'
  const { output } = await runProgram('/bin/sh', ['-c', script, 'sh', ...folders], { account })
  return output === '' ? undefined : output
}

/** A temporary folder that the account can reach; root's own may be private. */
export const findTemporaryFolder = async (account: Account | undefined, wanted = tmpdir()): Promise<string> => {
  const usual = await realpath(wanted)
  return account && (await findObstacle(usual, account)) !== undefined ? '/tmp' : usual
}

/** Runs a program to its end and returns what it wrote to both streams; rejects when it cannot be started. */
export const runProgram = async (
  program: string,
  parameters: readonly string[],
  options: { readonly account?: Account | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<ProgramResult> => {
  const { account, signal } = options
  signal?.throwIfAborted()
  return await new Promise((resolve, reject) => {
    const child = spawn(program, parameters, {
      // The account may have no access to the current folder.
      cwd: '/',
      env: childEnvironment,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C reaches the whole process group; the caller decides what it means.
      detached: true,
      ...account,
    })
    let output = ''
    const collect = (chunk: Buffer) => (output += chunk.toString())
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    let killTimer: NodeJS.Timeout | undefined
    const abort = () => {
      child.kill('SIGTERM')
      killTimer = setTimeout(() => {
        child.kill('SIGKILL')
        // A grandchild can keep the pipes open.
        child.stdout.destroy()
        child.stderr.destroy()
      }, abortGraceMs)
    }
    const settled = () => {
      clearTimeout(killTimer)
      signal?.removeEventListener('abort', abort)
    }
    signal?.addEventListener('abort', abort, { once: true })
    child.on('error', (error) => {
      settled()
      reject(error)
    })
    child.on('close', (exitCode) => {
      settled()
      resolve({ exitCode, output })
    })
  })
}

/** The process with this pid; `undefined` when there is none or only a zombie. */
export const inspectProcess = async (pid: number): Promise<ProcessSnapshot | undefined> =>
  platform() === 'linux' ? await inspectThroughProc(pid) : await inspectThroughPs(pid)

/** Identifies the pid namespace: in a folder shared between containers, pids of the other one mean nothing here. */
export const pidScope = async (): Promise<string> =>
  platform() === 'linux' ? `${hostname()} ${await readlink('/proc/self/ns/pid')}` : hostname()

/** Sends the signals in turn, each with its time limit, until the process ends; returns whether it ended. */
export const endProcess = async (
  pid: number,
  signals: readonly (readonly [signal: 'INT' | 'QUIT' | 'KILL', limitMs: number])[],
  account: Account | undefined,
): Promise<boolean> => {
  const target = await inspectProcess(pid)
  if (!target) return true
  for (const [signal, limitMs] of signals) {
    // As the account, not as root: it cannot signal other users' processes.
    await runProgram('/bin/sh', ['-c', 'kill -s "$1" "$2"', 'sh', signal, String(pid)], { account })
    const deadline = Date.now() + limitMs
    while (Date.now() < deadline) {
      if ((await inspectProcess(pid))?.startedAt !== target.startedAt) return true
      await delay(20)
    }
  }
  return false
}

const lookUpAccount = async (name: string): Promise<Account | undefined> => {
  const [uid, gid] = await Promise.all([runProgram('id', ['-u', name]), runProgram('id', ['-g', name])])
  if (uid.exitCode !== 0 || gid.exitCode !== 0) return undefined
  return { uid: Number(uid.output), gid: Number(gid.output) }
}

const addAccount = async (name: string): Promise<Account> => {
  const reasons: string[] = []
  for (const [program, ...flags] of waysToAddAccount) {
    const result = await runProgram(program, [...flags, name]).catch((error: unknown) => ({
      exitCode: null,
      output: String(error),
    }))
    const account = await lookUpAccount(name)
    if (account) return account
    reasons.push(`${program}: ${result.output.trim()}`)
  }
  throw new OperatorError(
    'embedded_postgres_account',
    `PostgreSQL does not run as root, and the user ${name} could not be created for it`,
    {
      details: reasons,
      hint: `useradd --system ${name}, or run as an ordinary user, or name a database with --database-url`,
    },
  )
}

const inspectThroughProc = async (pid: number): Promise<ProcessSnapshot | undefined> => {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in parentheses, with any characters: count from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state, startedAt] = [fields[0], fields[19]]
    if (state === 'Z' || startedAt === undefined) return undefined
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8')
    return { startedAt, commandLine: commandLine.replaceAll('\0', ' ') }
  } catch {
    // ENOENT or ESRCH: it ended, before or while we looked.
    return undefined
  }
}

const inspectThroughPs = async (pid: number): Promise<ProcessSnapshot | undefined> => {
  const { output } = await runProgram('ps', ['-ww', '-o', 'stat=,lstart=,command=', '-p', String(pid)])
  const match = /^\s*([^Z\s]\S*)\s+(\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4})\s+(.*)$/su.exec(output)
  const [, , startedAt, commandLine] = match ?? []
  return startedAt === undefined || commandLine === undefined
    ? undefined
    : { startedAt, commandLine: `${commandLine.trim()} ` }
}
