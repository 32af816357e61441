import { CUT_OFF, holdsMessages, isRejected, type LineReader } from '../line-reader.js'
import { parseLine } from '../transcript-line.js'

/** Every line is a message. */
export const createPlainReader = (): LineReader => ({
  read: ({ bytes, terminated }) => {
    const { message, reasons, isDocument } = parseLine(bytes)
    if (message !== undefined) return holdsMessages({ message })
    // A complete document needs no line feed after it; anything else was cut off.
    return isRejected(...(isDocument || terminated ? reasons : [CUT_OFF]))
  },
})
