import * as z from 'zod/mini'

// Parsed, since the other server may run another version.
const participantSchema = z.discriminatedUnion('role', [
  z.object({
    role: z.literal('client'),
    conversation: z.string(),
    username: z.string(),
    phone: z.nullable(z.string()),
  }),
  z.object({ role: z.literal('operator'), operatorId: z.nullable(z.number()), name: z.string() }),
])

/** What servers on one database send one another, apart from broadcasts. */
export const newsSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('hello'), server: z.string() }),
  z.object({ kind: z.literal('list'), server: z.string(), participants: z.array(participantSchema) }),
  z.object({ kind: z.literal('entered'), server: z.string(), participant: participantSchema }),
  z.object({ kind: z.literal('left'), server: z.string(), participant: participantSchema }),
  z.object({ kind: z.literal('alive'), server: z.string() }),
  z.object({ kind: z.literal('bye'), server: z.string() }),
])

export type PeerNews = z.infer<typeof newsSchema>
