/** Invented guests: name, phone or null, and the texts of guest and operator in turn, the guest's first. */
const CHATS: readonly (readonly [string, string | null, readonly string[]])[] = [
  [
    'maria',
    '+49 30 555 0117',
    ['Hello! Do you deliver to Berlin?', 'Yes, within two days.', 'Great, thank you.', 'You are welcome!'],
  ],
  [
    'José Ñandú',
    null,
    ['¿Hay alguien?', 'Sí, ¿en qué le ayudo?', 'Perdí mi factura 🧾', 'Se la envío ahora mismo.', 'ok', 'ok'],
  ],
  ['client7', null, ['It is me, but I am not logged in.', 'Then please log in to see your orders.']],
  ['sam', '+1 555 0002', ['My phone number belongs to my brother’s account, too.', 'That is no problem.']],
  ['__proto__', null, ['Names like mine break things.', 'Not here.']],
  [`Robert'); DROP TABLE "Client";--`, null, ['They call me little Bobby.', 'Welcome, Bobby.']],
  ['アキラ', null, ['こんばんは。', 'こんばんは。ご用件は？', '明日の営業時間は？', '9時から18時までです。']],
  ['נועה', null, ['שלום, אפשר לבטל הזמנה?', 'כמובן, מה המספר?']],
]

const ROUNDS = 10

/** Chats of guests with two operators as a transcript for `chatkeep replay`: ten rounds, the same text on every call. */
export const demoTranscript = (): string => {
  const lines: string[] = []
  let at = Date.UTC(2026, 0, 5, 9)
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const [username, phone, turns] of CHATS) {
      for (const [turn, text] of turns.entries()) {
        at += 7_000
        const from = turn % 2 === 0 ? 'client' : 'operator'
        const operator = from === 'client' ? null : round % 2 === 0 ? 'ana' : 'juan'
        const conversation = `demo-${round}-${username}`
        lines.push(
          JSON.stringify({ at: new Date(at).toISOString(), conversation, from, username, phone, operator, text }),
        )
      }
    }
  }
  return `${lines.join('\n')}\n`
}
