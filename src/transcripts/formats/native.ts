import * as z from 'zod'
import { CHATKEEP_SOURCE } from '../transcript-format.js'
import { parseJsonLine } from '../json-line.js'
import { CUT_OFF, holdsMessages, isRejected, isSkipped, type LineReader } from '../line-reader.js'
import { sourceKey } from '../replay-key.js'
import { lineFields, NOT_AN_OBJECT, parseDocument, textOrNull, type TranscriptMessage } from '../transcript-line.js'

export const headerSchema = z.object({
  type: z.literal('header'),
  format: z.string(),
  version: z.int(),
  source: z.string().min(1).default('unnamed'),
  /** False: the writer promises no footer. */
  footer: z.boolean().default(true),
})

export type TranscriptHeader = z.infer<typeof headerSchema>

export const footerSchema = z.object({ type: z.literal('footer'), messages: z.int().min(0), sha256: z.string() })

/** The lines of chatkeep's own transcripts, each of which says of what type it is. */
export const createNativeReader = ({ source, footer }: TranscriptHeader): LineReader => ({
  read: ({ bytes, terminated }) => {
    const { value, reason } = parseJsonLine(bytes)
    if (reason !== undefined) {
      if (terminated) return isRejected(reason)
      return footer ? isSkipped('cut off') : isRejected(CUT_OFF)
    }
    const { data } = typeSchema.safeParse(value)
    if (data === undefined) return isRejected('has no type')
    if (data.type === 'header') return isSkipped()
    if (data.type === 'footer') return isSkipped()
    if (data.type !== 'message') return isSkipped(data.type)
    const { message, reasons } = parseDocument(value, messageSchema)
    const id = idSchema.safeParse(value)
    const wrongId = id.success ? [] : [`id ${WRONG_ID}`]
    if (message === undefined) return isRejected(...reasons, ...wrongId)
    if (!id.success) return isRejected(...wrongId)
    if (id.data.id == null) return holdsMessages({ message })
    return holdsMessages({ message, key: source === CHATKEEP_SOURCE ? id.data.id : sourceKey(source, id.data.id) })
  },
})

const typeSchema = z.object({ type: z.string().min(1) })

const MOST_ID_CHARACTERS = 600
const WRONG_ID = `must be a string of 1 to ${MOST_ID_CHARACTERS} characters that can be stored`

const idSchema = z.object({
  id: z
    .string()
    .min(1)
    .max(MOST_ID_CHARACTERS)
    .refine((id) => !id.includes('\0') && id.isWellFormed())
    .nullish(),
})

const OPERATOR_ID = { error: 'must be a whole number from 1 to 2147483647' }

const messageSchema: z.ZodType<TranscriptMessage> = z
  .object(
    {
      ...lineFields,
      text: textOrNull,
      messageType: z.enum(['text', 'image'], { error: 'must be "text" or "image"' }).default('text'),
      image: textOrNull,
      imageName: textOrNull,
      mimeType: textOrNull,
      operatorId: z.int(OPERATOR_ID).min(1, OPERATOR_ID).max(2_147_483_647, OPERATOR_ID).nullish(),
      socketId: textOrNull,
    },
    { error: NOT_AN_OBJECT },
  )
  .transform(({ messageType, image, imageName, mimeType, operatorId, ...message }) => ({
    ...message,
    messageType: messageType === 'text' ? ('TEXT' as const) : ('IMAGE' as const),
    image: { url: image, name: imageName, mimeType },
    operatorId: operatorId ?? null,
  }))
