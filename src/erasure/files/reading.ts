import { basename } from 'node:path'
import { printable } from '../../terminal/printable.js'
import type { ProgressUpdate } from '../../terminal/progress.js'

/** Smaller files are read in a moment. */
const SHOWN_BYTES = 16 * 1_048_576

/** Passes on the chunks of a file, and tells each whole percent of it. */
export async function* tellingPercent(
  chunks: AsyncIterable<Buffer>,
  { path, sizeBytes }: { readonly path: string; readonly sizeBytes: number },
  onProgress: (update: ProgressUpdate) => void,
): AsyncGenerator<Buffer> {
  let [doneBytes, told] = [0, -1]
  for await (const chunk of chunks) {
    yield chunk
    doneBytes += chunk.length
    const percent = Math.floor((doneBytes / sizeBytes) * 100)
    if (sizeBytes < SHOWN_BYTES || percent === told) continue
    told = percent
    onProgress(reading(path, percent))
  }
}

const reading = (path: string, percent: number): ProgressUpdate => {
  const event = { type: 'reading', file: path, percent }
  return { event, text: printable(`reading ${basename(path)}: ${percent} %`), kind: 'status', key: `reading ${path}` }
}
