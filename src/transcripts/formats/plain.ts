import * as z from 'zod/mini'
import { parseLine } from '../transcript-line.js'
import type { TranscriptFormat } from './format.js'
import { CUT_OFF, holdsMessages, isRejected, type LineReader } from './line-reader.js'

/** Every line is a message; whatever does not begin with a header is taken for this format. */
export const plain: TranscriptFormat = {
  name: 'plain',
  title: 'plain lines',
  recognise: ({ json }) => (headerSchema.safeParse(json).success ? undefined : { createReader: createPlainReader }),
}

const headerSchema = z.object({ type: z.literal('header'), format: z.string() })

const createPlainReader = (): LineReader => ({
  read: ({ bytes, terminated }) => {
    const { message, reasons, isDocument } = parseLine(bytes)
    if (message !== undefined) return holdsMessages({ message })
    // A complete document needs no line feed after it; anything else was cut off.
    return isRejected(...(isDocument || terminated ? reasons : [CUT_OFF]))
  },
})
