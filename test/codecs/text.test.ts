import t from 'tap'
import { FramingError } from '../../src/errors.js'
import { checkPayloadLength, decodeLatin1, decodeUtf8, encodeUtf8, payloadBytes } from '../../src/codecs/text.js'

t.test('decodeUtf8: keeps a byte order mark, refuses what is no UTF-8 and says why', (t) => {
  t.equal(decodeUtf8(Buffer.from('\ufeffé')), '\ufeffé')
  t.equal(decodeUtf8(Buffer.of(0x61, 0xff), false), 'a\ufffd')
  t.equal(decodeUtf8(Buffer.from('\ufeffé'), false), '\ufeffé')
  try {
    decodeUtf8(Buffer.of(0x61, 0xff))
    t.fail('decoded')
  } catch (error) {
    t.ok(error instanceof FramingError && error.cause instanceof TypeError)
    t.match(error, { code: 'ERR_FRAME_MALFORMED', message: 'Expected UTF-8, received "aÿ"' })
  }
  t.end()
})

t.test('decodeLatin1: gives one character a byte', (t) => {
  t.equal(decodeLatin1(Buffer.of(0x41, 0xff, 0)), 'Aÿ\0')
  t.end()
})

t.test('payloadBytes: takes text and bytes, nothing else', (t) => {
  const bytes = Buffer.from('x')
  t.equal(payloadBytes('message', bytes), bytes)
  t.same(payloadBytes('message', 'é'), encodeUtf8('é'))
  t.throws(() => payloadBytes('message.data', 5), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: /"message\.data" property .* Received 5/ })
  t.end()
})

t.test('checkPayloadLength: lets the limit pass, and no more', (t) => {
  t.doesNotThrow(() => checkPayloadLength(5, 5))
  t.throws(() => checkPayloadLength(6, 5), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE', message: /at most 5 bytes\. Received 6/ })
  t.end()
})
