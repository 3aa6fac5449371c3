import fc from 'fast-check'
import t from 'tap'
import { netstring, type NetstringOptions } from '../../src/codecs/netstring.js'
import { MessageScanner } from '../../src/framing/message-scanner.js'
import { bytesOf, decode, decodeAtEveryCut, encode } from '../support/codecs.js'
import { randomCuts } from '../support/cuts.js'

const MIB = 1024 * 1024
const NO_LENGTH = /^ERR_FRAME_MALFORMED Expected a length/
const NO_COMMA = /^ERR_FRAME_MALFORMED Expected ","/
const TOO_LONG = /^ERR_FRAME_TOO_LONG /
const CUT = /^ERR_FRAME_INCOMPLETE /

t.test('netstring: reads messages at every cut, or fails alike', (t) => {
  const rows: readonly (readonly [wire: string, messages: readonly string[], error?: RegExp | undefined, options?: NetstringOptions])[] = [
    ['5:hello,0:,1:,,', ['hello', '', ',']],
    ['2:ab3:', [], NO_COMMA],
    ['1:a,2:abc', ['a'], NO_COMMA],
    [':,', [], NO_LENGTH],
    ['00:,', [], NO_LENGTH],
    ['05:hello,', [], NO_LENGTH],
    ['00000005:hello,', [], TOO_LONG],
    ['+5:hello,', [], NO_LENGTH],
    ['-1:', [], NO_LENGTH],
    ['5 :hello,', [], NO_LENGTH],
    [' 5:hello,', [], NO_LENGTH],
    ['0x5:hello,', [], NO_LENGTH],
    ['8388609:', [], TOO_LONG],
    ['2147483648:', [], TOO_LONG],
    ['9007199254740992:', [], TOO_LONG],
    ['9007199254740992:', [], TOO_LONG, { maxLength: Infinity }],
    ['9'.repeat(400), [], TOO_LONG],
    ['9'.repeat(400), [], TOO_LONG, { maxLength: Infinity }],
    ['9007199254740991:', [], CUT, { maxLength: Infinity }],
    ['3:abc,', ['abc'], undefined, { maxLength: 3 }],
    ['4:abcd,', [], TOO_LONG, { maxLength: 3 }],
    ['12', [], TOO_LONG, { maxLength: 3 }],
    ['5', [], CUT],
    ['5:', [], CUT],
    ['5:hell', [], CUT],
    ['5:hello', [], CUT],
  ]
  for (const [wire, messages, error, options] of rows) {
    const name = JSON.stringify(wire.slice(0, 20))
    const seen = decodeAtEveryCut(netstring(options), wire)
    t.match(seen, { error: error ?? null }, name)
    t.same((seen as { messages: unknown }).messages, messages, name)
  }
  t.end()
})

t.test('netstring: fails for too many digits without waiting for the colon', (t) => {
  t.match(decode(netstring({ maxLength: 99 }), [bytesOf('123')], { isEnded: false }), { error: TOO_LONG })
  t.same(decode(netstring({ maxLength: 99 }), [bytesOf('12')], { isEnded: false }), { messages: [], error: null })
  t.end()
})

t.test('netstring: allocates nothing by a declared length', (t) => {
  const before = process.memoryUsage().arrayBuffers
  const scanners = Array.from({ length: 100 }, () => new MessageScanner(netstring()))
  for (const scanner of scanners) {
    scanner.write(bytesOf('8388608:a'))
    t.equal(scanner.read(), null)
  }
  t.ok(process.memoryUsage().arrayBuffers - before < MIB)
  t.end()
})

t.test('netstring: its own limit goes before those of who reads', (t) => {
  t.same(decodeAtEveryCut(netstring(), '12:twelve bytes,', { maxFrameLength: 1, maxMessageLength: 5 }), { messages: ['twelve bytes'], error: null })
  t.end()
})

t.test('netstring: writes, and refuses what its reader would not take', (t) => {
  t.same(encode(netstring(), bytesOf('hello')), bytesOf('5:hello,'))
  t.same(encode(netstring(), bytesOf('')), bytesOf('0:,'))
  t.throws(() => netstring({ maxLength: 3 }).encode(bytesOf('four')), { name: 'RangeError', message: /at most 3 bytes\. Received 4/ })
  t.throws(() => netstring().encode('text' as never), { name: 'TypeError' })
  t.throws(() => netstring({ maxLength: 1.5 }), { message: /"options\.maxLength"/ })
  t.throws(() => netstring([] as never), { message: /"options"/ })
  t.end()
})

t.test('netstring: reads what it wrote, however it is cut', (t) => {
  const body = fc.uint8Array({ maxLength: 12 })
  const property = fc.property(
    fc.array(body, { maxLength: 4 }).chain((bodies) => fc.tuple(fc.constant(bodies), randomCuts(Buffer.concat(bodies.map((each) => encode(netstring(), each)))))),
    ([bodies, chunks]) => {
      const { messages, error } = decode(netstring(), chunks)
      return error === null && JSON.stringify(messages) === JSON.stringify(bodies.map((each) => Buffer.from(each).toString('latin1')))
    },
  )
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})

t.test('netstring: reads any bytes alike, however they are cut', (t) => {
  const wire = fc.string({ unit: fc.constantFrom('0', '1', '2', '1:a,', ':', ',', 'a', '+'), maxLength: 10 })
  const property = fc.property(
    wire.chain((text) => fc.tuple(fc.constant(text), randomCuts(bytesOf(text)))),
    fc.constantFrom(3, 99, Infinity),
    ([text, chunks], maxLength) => JSON.stringify(decode(netstring({ maxLength }), [bytesOf(text)])) === JSON.stringify(decode(netstring({ maxLength }), chunks)),
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }))
  t.end()
})
