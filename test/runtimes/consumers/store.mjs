import { createChatStore, InvalidMessage } from 'chatkeep'

const store = createChatStore({ databaseUrl: process.argv[2] })
const message = {
  guestUsername: 'maria',
  senderType: 'CLIENT',
  messageType: 'TEXT',
  text: 'Olá ✓',
  idempotencyKey: 'a',
}
const saved = await store.saveChatMessage(message)
const again = await store.saveChatMessage(message)
const { messages } = await store.getChatHistory({ guestUsername: 'maria' })
const { chats } = await store.getRecentChats()
const refused = await store.saveChatMessage({ ...message, text: '' }).catch((error) => error)
await store.close()
const isRight =
  again.duplicate &&
  again.id === saved.id &&
  saved.createdAt instanceof Date &&
  messages.some(({ text }) => text === 'Olá ✓') &&
  chats.length > 0 &&
  refused instanceof InvalidMessage
if (!isRight) throw new Error(JSON.stringify({ saved, again, messages, chats, refused: String(refused) }))
