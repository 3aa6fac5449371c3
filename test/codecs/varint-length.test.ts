import fc from 'fast-check'
import t from 'tap'
import { varintLength, type VarintLengthOptions } from '../../src/codecs/varint-length.js'
import { MessageScanner } from '../../src/framing/message-scanner.js'
import { bytesOf, decode, decodeAtEveryCut, encode, told } from '../support/codecs.js'
import { inChunksOf, randomCuts } from '../support/cuts.js'

const MIB = 1024 * 1024
const OVERLONG = /^ERR_FRAME_MALFORMED Expected a varint that is not overlong/
const TOO_LONG = /^ERR_FRAME_TOO_LONG /

t.test('varintLength: reads messages at every cut', (t) => {
  const rows: readonly (readonly [name: string, options: VarintLengthOptions, wire: string, messages: readonly string[], error?: RegExp])[] = [
    ['two messages and an empty one', {}, '\x02ab\0\x01c', ['ab', '', 'c']],
    ['a length of two bytes', {}, `\x82\x01${'x'.repeat(130)}\0`, ['x'.repeat(130), '']],
    ['overlong, two bytes', {}, '\x81\0a', [], OVERLONG],
    ['overlong zero', {}, '\x80\0', [], OVERLONG],
    ['overlong, accepted', { overlong: true }, '\x81\x80\0a\x80\0\x01b', ['a', '', 'b']],
    ['overlong, ten bytes', { overlong: true }, `\x81${'\x80'.repeat(8)}\0a`, ['a']],
    ['overlong, eleven bytes', { overlong: true }, `\x81${'\x80'.repeat(9)}\0a`, [], OVERLONG],
    ['at the limit', { maxLength: 2 }, '\x02ab', ['ab']],
    ['above the limit', { maxLength: 2 }, '\x01a\x03', ['a'], TOO_LONG],
    ['above the limit with its second byte', { maxLength: 200 }, '\xff\x01', [], TOO_LONG],
    ['above 8 MiB, before its last byte', {}, '\x80\x80\x80\x85', [], TOO_LONG],
    ['2 GiB', {}, '\x80\x80\x80\x80\x08', [], TOO_LONG],
    ['2^53', { maxLength: Infinity }, '\x80\x80\x80\x80\x80\x80\x80\x10', [], TOO_LONG],
    ['-1', { maxLength: Infinity }, '\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01', [], TOO_LONG],
    ['no limit', { maxLength: Infinity }, '\xff\xff\xff\xff\xff\xff\xff\x0fa', [], /^ERR_FRAME_INCOMPLETE/],
    ['cut in its length', {}, '\x80', [], /^ERR_FRAME_INCOMPLETE/],
    ['cut in its body', {}, '\x02a', [], /^ERR_FRAME_INCOMPLETE/],
  ]
  for (const [name, options, wire, messages, error] of rows) {
    const seen = decodeAtEveryCut(varintLength(options), wire)
    t.match(seen, { error: error ?? null }, name)
    t.same((seen as { messages: unknown }).messages, messages, name)
  }
  t.end()
})

t.test('varintLength: allocates nothing by a declared length', (t) => {
  const before = process.memoryUsage().arrayBuffers
  const scanners = Array.from({ length: 100 }, () => new MessageScanner(varintLength()))
  for (const scanner of scanners) {
    scanner.write(bytesOf('\x80\x80\x80\x04a'))
    t.equal(scanner.read(), null)
  }
  t.ok(process.memoryUsage().arrayBuffers - before < MIB)
  t.end()
})

t.test('varintLength: its own limit goes before those of who reads', (t) => {
  const wire = bytesOf('\x0ctwelve bytes')
  for (const size of [100, 5]) {
    t.same(decode(varintLength(), inChunksOf(wire, size), { maxFrameLength: 5, maxMessageLength: 5 }), { messages: ['twelve bytes'], error: null })
  }
  t.end()
})

t.test('varintLength: writes lengths in as few bytes as can be', (t) => {
  const lengths: Readonly<Record<number, string>> = { 0: '\0', 1: '\x01', 127: '\x7f', 128: '\x80\x01', 300: '\xac\x02', 16_384: '\x80\x80\x01' }
  for (const [length, prefix] of Object.entries(lengths)) {
    t.equal(told(encode(varintLength(), new Uint8Array(Number(length))).subarray(0, prefix.length)), prefix, length)
  }
  t.throws(() => varintLength({ maxLength: 3 }).encode(new Uint8Array(4)), { name: 'RangeError', message: /at most 3 bytes\. Received 4/ })
  t.throws(() => varintLength().encode('text' as never), { name: 'TypeError' })
  t.end()
})

t.test('varintLength: reads what it wrote, however it is cut', (t) => {
  const property = fc.property(
    fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 5 }).chain((lengths) => {
      const wire = Buffer.concat(lengths.map((length) => encode(varintLength(), Buffer.alloc(length, 'x'))))
      return fc.tuple(fc.constant(lengths), randomCuts(wire))
    }),
    ([lengths, chunks]) => JSON.stringify(decode(varintLength(), chunks)) === JSON.stringify({ messages: lengths.map((length) => 'x'.repeat(length)), error: null }),
  )
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})

t.test('varintLength: reads any bytes alike, however they are cut', (t) => {
  const byte = fc.constantFrom(0, 1, 2, 3, 0x7f, 0x80, 0x81, 0xff)
  const property = fc.property(
    fc.array(byte, { maxLength: 20 }).chain((bytes) => fc.tuple(fc.constant(Uint8Array.from(bytes)), randomCuts(Uint8Array.from(bytes)))),
    fc.constantFrom<VarintLengthOptions>({}, { overlong: true }, { maxLength: 2 }, { maxLength: 130 }),
    ([wire, chunks], options) => JSON.stringify(decode(varintLength(options), [wire])) === JSON.stringify(decode(varintLength(options), chunks)),
  )
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})

t.test('varintLength: checks its options', (t) => {
  t.throws(() => varintLength(5 as never), { message: /"options"/ })
  t.throws(() => varintLength({ maxLength: -1 }), { message: /"options\.maxLength"/ })
  t.throws(() => varintLength({ overlong: 'yes' as never }), { message: /"options\.overlong"/ })
  t.end()
})
