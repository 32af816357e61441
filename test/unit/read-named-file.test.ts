import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fileReason } from '../../src/file-reason.js'
import { readNamedFile } from '../../src/read-named-file.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatkeep-named-'))
  await writeFile(join(folder, 'file'), 'PGHOST=db\n')
  execFileSync('mkfifo', [join(folder, 'pipe'), join(folder, 'silent')])
})
afterAll(() => rm(folder, { recursive: true }))

const reasonFor = (path: string): string | undefined => {
  try {
    readNamedFile(path, 50)
    return undefined
  } catch (error) {
    expect(error).toMatchObject({ path })
    return fileReason(error)
  }
}

describe('a file that a setting names', () => {
  test('is read', () => {
    expect(readNamedFile(join(folder, 'file')).toString()).toBe('PGHOST=db\n')
    expect(readNamedFile('/dev/null')).toHaveLength(0)
  })

  test('may be a pipe, whose writer comes late and pauses', () => {
    const child = spawn('sh', [
      '-c',
      `sleep 0.1; { printf a; sleep 0.1; head -c 200000 /dev/zero; } > '${join(folder, 'pipe')}'`,
    ])
    expect(readNamedFile(join(folder, 'pipe'))).toHaveLength(200_001)
    child.kill()
  })

  test('that cannot be read is an error with a reason, and nothing waits for ever', async () => {
    const socket = createServer().listen(join(folder, 'socket'))
    await new Promise((resolve) => socket.once('listening', resolve))
    expect(reasonFor(join(folder, 'missing'))).toBe('no such file or folder')
    expect(reasonFor(join(folder, 'file', 'below'))).toBe('it is not a folder, or a part of its path is none')
    expect(reasonFor(folder)).toBe('it is a folder')
    expect(reasonFor(join(folder, 'socket'))).toBe('it is a socket, or a pipe that nothing reads')
    expect(reasonFor(join(folder, 'silent'))).toBe('it is a pipe, and nothing was written to it for 10 s')
    expect(reasonFor('/dev/zero')).toBe('it is larger than 16 MiB')
    socket.close()
  })
})
