import t from 'tap'
import { VerificationError } from '../../src/testing/verification-error.js'

t.test('VerificationError: says what broke, with what, and keeps the facts', async (t) => {
  const chunk = Buffer.from('2:h')
  const cause = new Error('why')
  const error = new VerificationError({ check: 'messages', what: 'message 0 is wrong', chunks: [chunk], expected: 'hi', received: undefined, cause })
  chunk.fill(0)
  t.equal(String(error), 'VerificationError: Decoder is wrong (messages): message 0 is wrong\n  chunks:   "2:h"\n  expected: "hi"\n  received: undefined')
  t.same(error.chunks, [Uint8Array.from(Buffer.from('2:h'))], 'copies')
  t.match(error, { code: 'ERR_ASSERTION', check: 'messages', what: 'message 0 is wrong', expected: 'hi', cause })
})

t.test('VerificationError: leaves out what is not known', async (t) => {
  const error = new VerificationError({ check: 'input', what: 'writes', chunks: [] })
  t.equal(error.message, 'Decoder is wrong (input): writes\n  chunks:   none')
  t.notOk('expected' in error || 'received' in error)
})
