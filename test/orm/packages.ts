import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A folder with the packages of an ORM, which are no dependencies of chatkeep. */
export interface OrmFolder {
  readonly path: string
  readonly write: (name: string, text: string) => Promise<void>
  readonly read: (name: string) => Promise<string>
  /** Runs one of its programs on a database. @returns stdout and stderr */
  readonly run: (databaseUrl: string, program: string, ...argv: readonly string[]) => Promise<string>
}

const run = promisify(execFile)
const MINUTES_5 = 300_000

/** Installs packages in a folder for the work, without their install scripts. */
export const withPackages = async (
  packages: readonly string[],
  work: (folder: OrmFolder) => Promise<void>,
): Promise<void> => {
  const path = await mkdtemp(join(tmpdir(), 'chatkeep-orm-'))
  try {
    await writeFile(join(path, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...packages]
    await run('npm', install, { cwd: path, timeout: MINUTES_5 })
    await work({
      path,
      write: (name, text) => writeFile(join(path, name), text),
      read: (name) => readFile(join(path, name), 'utf8'),
      run: async (databaseUrl, program, ...argv) => {
        const env = { ...process.env, DATABASE_URL: databaseUrl, NO_COLOR: '1', CI: '1' }
        const options = { cwd: path, env, timeout: MINUTES_5 }
        const { stdout, stderr } = await run(join(path, 'node_modules', '.bin', program), [...argv], options)
        return stdout + stderr
      },
    })
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}
