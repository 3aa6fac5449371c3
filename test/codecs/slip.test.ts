import fc from 'fast-check'
import t from 'tap'
import { slip, type SlipOptions } from '../../src/codecs/slip.js'
import { MessageScanner } from '../../src/framing/message-scanner.js'
import { bytesOf, decode, decodeAtEveryCut, encode } from '../support/codecs.js'
import { randomCuts } from '../support/cuts.js'

const BAD_ESCAPE = /^ERR_FRAME_MALFORMED Expected an escape DB DC or DB DD/
const CUT = /^ERR_FRAME_INCOMPLETE /

t.test('slip: reads packets at every cut, or fails alike', (t) => {
  const rows: readonly (readonly [wire: string, messages: readonly string[], error?: RegExp | undefined, options?: SlipOptions])[] = [
    ['ab\xc0c\xc0', ['ab', 'c']],
    ['\xc0ab\xc0\xc0\xc0c\xc0', ['ab', 'c']],
    ['\xc0\xc0', []],
    // RFC 1055, "Protocol": the two that are escaped.
    ['\xc0a\xdb\xdcb\xdb\xddc\xc0', ['a\xc0b\xdbc']],
    ['\xdb\xdc\xc0', ['\xc0']],
    ['\xdb\xdd\xdc\xc0', ['\xdb\xdc']],
    ['\xdd\xdc\xc0', ['\xdd\xdc']],
    ['a\xdbb\xc0', [], BAD_ESCAPE],
    ['a\xdb\xc0', [], BAD_ESCAPE],
    ['a\xdb\xdb\xc0', [], BAD_ESCAPE],
    ['a\xdbb\xc0', ['ab'], undefined, { strict: false }],
    ['a\xdb\xc0', ['a'], undefined, { strict: false }],
    ['ab\xc0', ['ab'], undefined, { maxLength: 2 }],
    ['a\xdb\xdc\xc0', [], /^ERR_FRAME_TOO_LONG /, { maxLength: 2 }],
    ['ab\xc0c', ['ab'], CUT],
    ['\xdb', [], CUT],
  ]
  for (const [wire, messages, error, options] of rows) {
    const name = JSON.stringify(wire)
    const seen = decodeAtEveryCut(slip(options), wire)
    t.match(seen, { error: error ?? null }, name)
    t.same((seen as { messages: unknown }).messages, messages, name)
  }
  t.end()
})

t.test('slip: has a wrong packet unread, and goes on behind it', (t) => {
  const scanner = new MessageScanner(slip())
  scanner.write(bytesOf('\xdb\xc0ok\xc0'))
  t.throws(() => scanner.read(), { code: 'ERR_FRAME_MALFORMED', codec: 'slip', offset: 0, messagesBefore: 0 })
  const unread = scanner.takeUnread()
  t.same(unread, bytesOf('\xdb\xc0ok\xc0'))
  scanner.setCodec(slip())
  scanner.write(unread.subarray(unread.indexOf(0xc0) + 1))
  t.same(scanner.read(), bytesOf('ok'))
  t.end()
})

t.test('slip: writes packets between ENDs', (t) => {
  t.same(encode(slip(), bytesOf('a\xc0b\xdbc')), bytesOf('\xc0a\xdb\xdcb\xdb\xddc\xc0'))
  t.same(encode(slip({ leadingEnd: false }), bytesOf('ab')), bytesOf('ab\xc0'))
  t.throws(() => slip().encode(bytesOf('')), { name: 'RangeError', message: /an empty packet is none/ })
  t.throws(() => slip({ maxLength: 2 }).encode(bytesOf('a\xc0')), { name: 'RangeError', message: /at most 2 bytes\. Received 3/ })
  t.throws(() => slip().encode('text' as never), { name: 'TypeError' })
  t.end()
})

t.test('slip: reads what it wrote, however it is cut', (t) => {
  const packet = fc.array(fc.constantFrom(0xc0, 0xdb, 0xdc, 0xdd, 0x61), { minLength: 1, maxLength: 8 }).map((bytes) => Uint8Array.from(bytes))
  const property = fc.property(
    fc.array(packet, { maxLength: 4 }).chain((packets) => fc.tuple(fc.constant(packets), randomCuts(Buffer.concat(packets.map((each) => encode(slip(), each)))))),
    ([packets, chunks]) => JSON.stringify(decode(slip(), chunks)) === JSON.stringify({ messages: packets.map((each) => Buffer.from(each).toString('latin1')), error: null }),
  )
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})

t.test('slip: checks its options', (t) => {
  t.throws(() => slip(1 as never), { message: /"options"/ })
  t.throws(() => slip({ maxLength: 0 }), { message: /"options\.maxLength"/ })
  t.throws(() => slip({ strict: 1 as never }), { message: /"options\.strict"/ })
  t.throws(() => slip({ leadingEnd: 1 as never }), { message: /"options\.leadingEnd"/ })
  t.end()
})
