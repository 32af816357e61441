import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleProgram } from './bundle.js'
import { nodeModules } from './embedded-servers.js'

/** Bundles a program of the tests for processes of its own. @param work is given the path of the bundle */
export const withProgram = async <T>(source: string, work: (program: string) => Promise<T>): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), 'chatkeep-program-'))
  try {
    await symlink(nodeModules, join(folder, 'node_modules'))
    const program = join(folder, 'program.mjs')
    await writeFile(program, await bundleProgram(source))
    return await work(program)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
