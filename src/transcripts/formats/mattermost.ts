import * as z from 'zod/mini'
import { parseJsonLine } from '../json-line.js'
import { describeIssue } from '../../persistence/invalid-fields.js'
import { reasonsOfCore, type TranscriptMessage } from '../transcript-line.js'
import { withoutLineEnd } from '../split-lines.js'
import { unknownVersion, type TranscriptFormat } from './format.js'
import { CUT_OFF, isRejected, isSkipped, type LineContent, type LineReader } from './line-reader.js'

/** What Mattermost's bulk export writes; its first line is the version. */
export const mattermost: TranscriptFormat = {
  name: 'mattermost',
  title: 'Mattermost bulk files',
  recognise: ({ bytes, json }) => {
    const { data } = versionSchema.safeParse(json)
    if (data === undefined) return undefined
    if (data.version !== 1) throw unknownVersion(`Mattermost bulk version ${data.version}`)
    return { createReader: createMattermostReader, headerOfPart: withoutLineEnd(bytes) }
  },
}

const versionSchema = z.object({ type: z.literal('version'), version: z.int() })

/**
 * In a direct channel the client is the first member who is a guest (role `system_guest`), else the first member; the
 * others are operators. In a team's channel everybody is a client.
 */
const createMattermostReader = (): LineReader => {
  const guests = new Set<string>()
  const clients = new Map<string, string>()

  // The same members are the same channel, in whatever order a line names them.
  const channelOf = (members: readonly string[]): { readonly conversation: string; readonly client: string } => {
    const conversation = `direct/${[...new Set(members)].toSorted().join(',')}`
    const client = clients.get(conversation) ?? members.find((name) => guests.has(name)) ?? members[0] ?? ''
    clients.set(conversation, client)
    return { conversation, client }
  }
  const readDirect = (post: z.infer<typeof directPost>): LineContent => {
    const { conversation, client } = channelOf(post.channel_members)
    return readThread(post, ({ user, create_at, message }) => {
      const common = { at: new Date(create_at), conversation, username: client, phone: null, text: message }
      return user === client
        ? { ...common, from: 'client', operator: null }
        : { ...common, from: 'operator', operator: user }
    })
  }
  const readPost = (post: z.infer<typeof channelPost>): LineContent => {
    const conversation = `${post.team}/${post.channel}`
    return readThread(post, ({ user, create_at, message }) => ({
      ...{ at: new Date(create_at), conversation, from: 'client', username: user },
      ...{ phone: null, operator: null, text: message },
    }))
  }

  return {
    read: ({ bytes, terminated }) => {
      const { value, reason } = parseJsonLine(bytes)
      if (reason !== undefined) return isRejected(terminated ? reason : CUT_OFF)
      const { success, data, error } = lineSchema.safeParse(value, { error: describeIssue })
      if (!success) return isRejected(...error.issues.map(({ path, message }) => [path.join('.'), message].join(' ')))
      if ('direct_post' in data) return readDirect(data.direct_post)
      if ('post' in data) return readPost(data.post)
      if ('user' in data) {
        if (data.user.roles?.split(' ').includes('system_guest') === true) guests.add(data.user.username)
        return isSkipped('user')
      }
      if ('direct_channel' in data) {
        const { members, participants } = data.direct_channel
        channelOf(members ?? participants?.map(({ username }) => username) ?? [])
        return isSkipped('direct_channel')
      }
      return data.type === 'version' ? isSkipped() : isSkipped(data.type)
    },
  }
}

const name = z.string('must be a string').check(z.minLength(1, 'is empty'))

const EARLIEST = 0
const LATEST = Date.UTC(10_000, 0)
const INSTANT = 'must be a number of milliseconds since 1970'

const postFields = {
  user: name,
  message: z.pipe(
    z.nullish(z.string('must be a string')),
    z.transform((text) => text ?? ''),
  ),
  create_at: z.int(INSTANT).check(z.minimum(EARLIEST, INSTANT), z.lt(LATEST, INSTANT)),
  type: z.nullish(z.string()),
  attachments: z.nullish(z.array(z.unknown())),
}

const threadFields = { ...postFields, replies: z.nullish(z.array(z.object(postFields))) }
const channelPost = z.object({ ...threadFields, team: name, channel: name })
const directPost = z.object({ ...threadFields, channel_members: z.array(name).check(z.minLength(1)) })

// Bulk files hold more types than these, and newer ones may hold others.
const lineSchema = z.union(
  [
    z.object({ type: z.literal('direct_post'), direct_post: directPost }),
    z.object({ type: z.literal('post'), post: channelPost }),
    z.object({ type: z.literal('user'), user: z.object({ username: name, roles: z.nullish(z.string()) }) }),
    z.object({
      type: z.literal('direct_channel'),
      direct_channel: z.object({
        members: z.nullish(z.array(name)),
        participants: z.nullish(z.array(z.object({ username: name }))),
      }),
    }),
    z.object({ type: name.check(z.refine((type) => type !== 'post' && type !== 'direct_post')) }),
  ],
  'is not a line of a Mattermost bulk file',
)

type Post = z.infer<z.ZodMiniObject<typeof postFields>>
type Thread = z.infer<z.ZodMiniObject<typeof threadFields>>

const readThread = (thread: Thread, toMessage: (post: Post) => TranscriptMessage): LineContent => {
  const posts: readonly Post[] = [thread, ...(thread.replies ?? [])]
  const attachments = posts.flatMap((post) => post.attachments ?? []).map(() => 'attachment')
  const [messages, others] = [posts.filter(isMessage), posts.filter((post) => !isMessage(post))]
  const parsed = messages.map((post) => ({ message: toMessage(post) }))
  const reasons = parsed.flatMap(({ message }) => reasonsOfCore(message))
  return {
    messages: parsed.filter(({ message }) => reasonsOfCore(message).length === 0),
    reasons,
    skipped: [...attachments, ...others.map(({ message }) => (message === '' ? 'post without text' : 'system post'))],
  }
}

const isMessage = ({ message, type }: Post): boolean => message !== '' && type?.startsWith('system_') !== true
