import { describe, expect, test } from 'vitest'
import { contactOfAnswer, type AnswerEvidence } from '../../../src/server/keeping/answer-contact.js'

const connected = (guestUsername: string) => ({ clientId: null, guestUsername, guestPhone: '+34' })

describe('the contact of an answer', () => {
  test.each<[string, AnswerEvidence['found'], AnswerEvidence['connected'], ReturnType<typeof contactOfAnswer>]>([
    ['nobody, where nothing is stored and nobody is connected', undefined, undefined, undefined],
    ['the connected guest, where nothing is stored', undefined, connected('nick'), connected('nick')],
    [
      'a registered client, whatever name the connected guest has',
      { clientId: 51, guestUsername: null },
      connected('nick'),
      { clientId: 51, guestUsername: null, guestPhone: null },
    ],
    [
      'a client who is offline, without a phone',
      { clientId: 7, guestUsername: 'ana' },
      undefined,
      { clientId: 7, guestUsername: 'ana', guestPhone: null },
    ],
    [
      'a client with the phone of the guest who is connected under the name',
      { clientId: 7, guestUsername: 'ana' },
      connected('ana'),
      { clientId: 7, guestUsername: 'ana', guestPhone: '+34' },
    ],
    [
      'a guest without client, not the one who is connected under another name',
      { clientId: null, guestUsername: 'ana' },
      connected('nick'),
      { clientId: null, guestUsername: 'ana', guestPhone: null },
    ],
    [
      'the connected guest, where no message tells',
      { clientId: null, guestUsername: null },
      connected('nick'),
      connected('nick'),
    ],
    [
      'of nobody, where no message tells and nobody is connected',
      { clientId: null, guestUsername: null },
      undefined,
      { clientId: null, guestUsername: null, guestPhone: null },
    ],
  ])('is %s', (_whose, found, guest, contact) => {
    expect(contactOfAnswer({ found, connected: guest })).toStrictEqual(contact)
  })
})
