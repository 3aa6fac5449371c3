import fc from 'fast-check'
import t from 'tap'
import { cobs, type CobsOptions } from '../../src/codecs/cobs.js'
import { MessageScanner } from '../../src/framing/message-scanner.js'
import { bytesOf, decode, decodeAtEveryCut, encode, told } from '../support/codecs.js'
import { randomCuts } from '../support/cuts.js'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index)

/** The packets and their encodings of the paper (section IV, and figure 3) and of the article about it. */
const pairs: readonly (readonly [name: string, packet: Uint8Array, wire: Uint8Array])[] = [
  ['figure 3', bytes(0x45, 0x00, 0x00, 0x2c, 0x4c, 0x79, 0x00, 0x00, 0x40, 0x06, 0x4f, 0x37), bytes(0x02, 0x45, 0x01, 0x04, 0x2c, 0x4c, 0x79, 0x01, 0x05, 0x40, 0x06, 0x4f, 0x37, 0)],
  ['nothing', bytes(), bytes(1, 0)],
  ['one zero', bytes(0), bytes(1, 1, 0)],
  ['two zeros', bytes(0, 0), bytes(1, 1, 1, 0)],
  ['a zero at the end', bytes(0x11, 0), bytes(2, 0x11, 1, 0)],
  ['a zero between others', bytes(0x11, 0x22, 0, 0x33), bytes(3, 0x11, 0x22, 2, 0x33, 0)],
  ['no zero', bytes(0x11, 0x22, 0x33, 0x44), bytes(5, 0x11, 0x22, 0x33, 0x44, 0)],
  ['253 others', bytes(...range(1, 253)), bytes(0xfe, ...range(1, 253), 0)],
  ['254 others', bytes(...range(1, 254)), bytes(0xff, ...range(1, 254), 0)],
  ['255 others', bytes(...range(1, 255)), bytes(0xff, ...range(1, 254), 2, 255, 0)],
  ['a zero, 254 others', bytes(...range(0, 254)), bytes(1, 0xff, ...range(1, 254), 0)],
  ['254 others, a zero', bytes(...range(1, 254), 0), bytes(0xff, ...range(1, 254), 1, 1, 0)],
  ['253 others, a zero', bytes(...range(2, 254), 0), bytes(0xfe, ...range(2, 254), 1, 0)],
  ['252 others, a zero, one more', bytes(...range(3, 254), 0, 1), bytes(0xfd, ...range(3, 254), 2, 1, 0)],
]

t.test('cobs: writes and reads what the paper and others do', (t) => {
  for (const [name, packet, wire] of pairs) {
    t.same(encode(cobs(), packet), Buffer.from(wire), name)
    t.same(decodeAtEveryCut(cobs(), wire), { messages: [told(packet)], error: null }, name)
  }
  t.end()
})

t.test('cobs: reads packets at every cut, or fails alike', (t) => {
  const rows: readonly (readonly [wire: string, messages: readonly string[], error?: RegExp, options?: CobsOptions])[] = [
    ['\x03ab\0\x02c\0', ['ab', 'c']],
    ['\0\0\x02a\0\0', ['a']],
    ['\x05abc\0', [], /^ERR_FRAME_MALFORMED Expected a block of 5 bytes, received "\\u0005abc"/],
    ['\x02a\x02\0', [], /^ERR_FRAME_MALFORMED Expected a block of 2 bytes/],
    ['\xff\0', [], /^ERR_FRAME_MALFORMED Expected a block of 255 bytes/],
    ['\x02a\0\x03b\0', ['a'], /^ERR_FRAME_MALFORMED/],
    // A block that is full and one that is empty after it: longer than it needs to be, the same packet.
    [`\xff${'x'.repeat(254)}\x01\0`, ['x'.repeat(254)]],
    ['\x02a\0\x03ab\0', ['a'], /^ERR_FRAME_TOO_LONG /, { maxLength: 2 }],
    ['\x02a', [], /^ERR_FRAME_INCOMPLETE/],
  ]
  for (const [wire, messages, error, options] of rows) {
    const name = JSON.stringify(wire.slice(0, 20))
    const seen = decodeAtEveryCut(cobs(options), wire)
    t.match(seen, { error: error ?? null }, name)
    t.same((seen as { messages: unknown }).messages, messages, name)
  }
  t.end()
})

t.test('cobs: is in step again after any zero, when it is set anew', (t) => {
  const scanner = new MessageScanner(cobs())
  scanner.write(bytesOf('noise\0\x03ok\0'))
  t.throws(() => scanner.read(), { code: 'ERR_FRAME_MALFORMED', codec: 'cobs' })
  const unread = scanner.takeUnread()
  scanner.setCodec(cobs())
  scanner.pushBack(unread.subarray(unread.indexOf(0) + 1))
  t.same(scanner.read(), bytesOf('ok'))
  t.end()
})

t.test('cobs: refuses to write what is no packet, or too long a one', (t) => {
  t.throws(() => cobs().encode('text' as never), { name: 'TypeError' })
  t.throws(() => cobs({ maxLength: 3 }).encode(bytesOf('abc')), { name: 'RangeError', message: /at most 3 bytes\. Received 4/ })
  t.throws(() => cobs(1 as never), { message: /"options"/ })
  t.throws(() => cobs({ maxLength: 0 }), { message: /"options\.maxLength"/ })
  t.end()
})

t.test('cobs: reads what it wrote, which has one zero and at most one byte more in 254', (t) => {
  const packet = fc.oneof(
    fc.array(fc.constantFrom(0, 0, 1, 255), { maxLength: 8 }).map((values) => Uint8Array.from(values)),
    fc.uint8Array({ min: 1, minLength: 250, maxLength: 520 }),
    fc.uint8Array({ minLength: 250, maxLength: 260 }),
  )
  const property = fc.property(
    fc.array(packet, { maxLength: 3 }).chain((packets) => fc.tuple(fc.constant(packets), randomCuts(Buffer.concat(packets.map((each) => encode(cobs(), each)))))),
    ([packets, chunks]) => {
      for (const each of packets) {
        const wire = encode(cobs(), each)
        if (wire.indexOf(0) !== wire.length - 1 || wire.length > each.length + Math.max(1, Math.ceil(each.length / 254)) + 1) return false
      }
      return JSON.stringify(decode(cobs(), chunks)) === JSON.stringify({ messages: packets.map(told), error: null })
    },
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 50 }))
  t.end()
})
