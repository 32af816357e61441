import { createChatClient } from 'chatkeep/client'

const url = process.argv[2]
const ana = createChatClient({ url, join: { role: 'client', username: 'ana' } })
const kept = await Promise.all(['one', 'two'].map((message) => ana.send({ message })))
const { messages } = await ana.ask('history')
await ana.close()
const texts = messages.map(({ text }) => text)
if (kept.some(({ queued, duplicate }) => queued || duplicate) || texts.join() !== 'one,two') {
  throw new Error(JSON.stringify({ kept, messages }))
}
