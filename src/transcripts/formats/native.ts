import * as z from 'zod/mini'
import { OperatorError } from '../../errors.js'
import { ID_RANGE } from '../../persistence/ids/ids.js'
import { parseJsonLine } from '../json-line.js'
import { sourceKey } from '../replay-key.js'
import { CHATKEEP_SOURCE, TRANSCRIPT_FORMAT, TRANSCRIPT_VERSION } from '../transcript-format.js'
import { lineFields, NOT_AN_OBJECT, parseDocument, textOrNull, type TranscriptMessage } from '../transcript-line.js'
import { unknownVersion, type TranscriptFormat } from './format.js'
import { CUT_OFF, holdsMessages, isRejected, isSkipped, type LineReader } from './line-reader.js'
import { hasFooter } from './native-footer.js'

/** What `chatkeep serve --record` writes: a header, lines that name their type, and a footer. */
export const native: TranscriptFormat = {
  name: 'native',
  title: TRANSCRIPT_FORMAT,
  recognise: ({ json }) => {
    const { data: first } = firstLineSchema.safeParse(json)
    if (first === undefined) return undefined
    if (first.type === 'message') throw withoutHeader()
    const { data: header } = headerSchema.safeParse(json)
    if (header === undefined) throw unreadableHeader()
    if (header.version !== TRANSCRIPT_VERSION) throw unknownVersion(`${TRANSCRIPT_FORMAT} version ${header.version}`)
    return {
      createReader: () => createNativeReader(header),
      isExport: header.export,
      headerOfPart: Buffer.from(JSON.stringify({ ...header, footer: false })),
      checkFooter: async (...transcript) => (await hasFooter(...transcript)) || !header.footer,
    }
  },
}

const firstLineSchema = z.union([
  z.object({ type: z.literal('header'), format: z.literal(TRANSCRIPT_FORMAT) }),
  z.object({ type: z.literal('message') }),
])

const headerSchema = z.object({
  type: z.literal('header'),
  format: z.string(),
  version: z.int(),
  source: z._default(z.string().check(z.minLength(1)), 'unnamed'),
  /** False: the writer promises no footer. */
  footer: z._default(z.boolean(), true),
  /** True: `chatkeep export` wrote it, and its messages name their rows. */
  export: z._default(z.boolean(), false),
})

type TranscriptHeader = z.infer<typeof headerSchema>

const createNativeReader = ({ source, footer, export: isExport }: TranscriptHeader): LineReader => ({
  read: ({ bytes, terminated }) => {
    const { value, reason } = parseJsonLine(bytes)
    if (reason !== undefined) {
      if (terminated) return isRejected(reason)
      return footer ? isSkipped('cut off') : isRejected(CUT_OFF)
    }
    const { data } = typeSchema.safeParse(value)
    if (data === undefined) return isRejected('has no type')
    if (data.type === 'header' || data.type === 'footer') return isSkipped()
    if (data.type !== 'message') return isSkipped(data.type)
    const { message, reasons } = parseDocument(value, messageSchema)
    const id = idSchema.safeParse(value)
    const wrongId = id.success ? [] : [`id ${WRONG_ID}`]
    if (message === undefined) return isRejected(...reasons, ...wrongId)
    if (!id.success) return isRejected(...wrongId)
    const storedId = isExport ? rowSchema.safeParse(value).data?.messageId : undefined
    if (id.data.id == null) return holdsMessages({ message, storedId })
    return holdsMessages({
      message,
      storedId,
      key: source === CHATKEEP_SOURCE ? id.data.id : sourceKey(source, id.data.id),
    })
  },
})

const typeSchema = z.object({ type: z.string().check(z.minLength(1)) })

const MOST_ID_CHARACTERS = 600
const WRONG_ID = `must be a string of 1 to ${MOST_ID_CHARACTERS} characters that can be stored`

const idSchema = z.object({
  id: z.nullish(
    z.string().check(
      z.minLength(1),
      z.maxLength(MOST_ID_CHARACTERS),
      z.refine((id) => !id.includes('\0') && id.isWellFormed()),
    ),
  ),
})

const rowSchema = z.object({ messageId: z.int() })

const messageSchema: z.ZodMiniType<TranscriptMessage> = z.pipe(
  z.object(
    {
      ...lineFields,
      text: textOrNull,
      messageType: z._default(z.enum(['text', 'image'], 'must be "text" or "image"'), 'text'),
      image: textOrNull,
      imageName: textOrNull,
      mimeType: textOrNull,
      operatorId: z.nullish(z.int(ID_RANGE)),
      named: z._default(z.boolean('must be true or false'), true),
      socketId: textOrNull,
    },
    NOT_AN_OBJECT,
  ),
  z.transform(({ messageType, image, imageName, mimeType, operatorId, ...message }) => ({
    ...message,
    messageType: messageType === 'text' ? ('TEXT' as const) : ('IMAGE' as const),
    image: { url: image, name: imageName, mimeType },
    operatorId: operatorId ?? null,
  })),
)

const withoutHeader = (): OperatorError =>
  new OperatorError(
    'unknown_transcript_format',
    'its first line is a message of a recording, whose header is missing',
    {
      hint: 'put its header before it: {"type":"header","format":"chatkeep-transcript","version":1,"source":"…","footer":false}',
    },
  )

const unreadableHeader = (): OperatorError =>
  new OperatorError('unknown_transcript_format', 'its first line is a header without a version', {
    hint: 'a header is {"type":"header","format":"chatkeep-transcript","version":1,"source":"…"}',
  })
