import fc from 'fast-check'
import t from 'tap'
import { lengthField, type LengthFieldOptions } from '../../src/codecs/length-field.js'
import { MessageScanner } from '../../src/framing/message-scanner.js'
import { bytesOf, decode, decodeAtEveryCut, encode, told } from '../support/codecs.js'
import { randomCuts } from '../support/cuts.js'

const MIB = 1024 * 1024
const TOO_LONG = /^ERR_FRAME_TOO_LONG /
const IN_HEADER = /^ERR_FRAME_MALFORMED .*ends the message inside its header/

interface Row {
  readonly options: LengthFieldOptions
  readonly wire: string
  readonly messages: readonly string[]
  readonly error?: RegExp
}

const rows: Readonly<Record<string, Row>> = {
  'two messages and an empty one': { options: {}, wire: '\0\0\0\x02ab\0\0\0\0\0\0\0\x01c', messages: ['ab', '', 'c'] },
  'one byte': { options: { width: 1 }, wire: '\x02ab\0\x01c', messages: ['ab', '', 'c'] },
  'three bytes, little': { options: { width: 3, byteOrder: 'little' }, wire: '\x02\0\0ab', messages: ['ab'] },
  'five bytes': { options: { width: 5 }, wire: '\0\0\0\0\x01a', messages: ['a'] },
  'six bytes, little': { options: { width: 6, byteOrder: 'little' }, wire: '\x01\0\0\0\0\0a', messages: ['a'] },
  'seven bytes': { options: { width: 7 }, wire: '\0\0\0\0\0\0\x01a', messages: ['a'] },
  'eight bytes, little': { options: { width: 8, byteOrder: 'little' }, wire: '\x01\0\0\0\0\0\0\0a', messages: ['a'] },
  'all four bytes count': { options: { maxLength: 2 ** 32 }, wire: '\x01\x02\x03\x04', messages: [], error: /^ERR_FRAME_INCOMPLETE/ },
  'a field before the length, kept': { options: { offset: 2, width: 1, strip: 0 }, wire: 'xy\x01a', messages: ['xy\x01a'] },
  'a field before the length, partly kept': { options: { offset: 2, width: 1, strip: 1 }, wire: 'xy\x01a', messages: ['y\x01a'] },
  'a field after the length': { options: { width: 1, adjustment: 2 }, wire: '\x01hha', messages: ['hha'] },
  'more stripped than the header': { options: { width: 1, adjustment: 2, strip: 3 }, wire: '\x01hha\0hh', messages: ['a', ''] },
  'a length that counts itself': { options: { width: 2, adjustment: -2 }, wire: '\0\x03a\0\x02', messages: ['a', ''] },
  'a length that counts itself, too small': { options: { width: 2, adjustment: -2 }, wire: '\0\x01a', messages: [], error: IN_HEADER },
  'shorter than what is stripped': { options: { width: 1, strip: 3 }, wire: '\x02ab\x01a', messages: [''], error: IN_HEADER },
  'at the limit': { options: { width: 1, maxLength: 2 }, wire: '\x02ab', messages: ['ab'] },
  'above the limit': { options: { width: 1, maxLength: 2 }, wire: '\x01a\x03abc', messages: ['a'], error: TOO_LONG },
  'what is stripped is not counted': { options: { width: 1, maxLength: 1, adjustment: 2, strip: 3 }, wire: '\x01hha', messages: ['a'] },
  'what is kept is counted': { options: { width: 1, maxLength: 2, strip: 0 }, wire: '\x01a\x02', messages: ['\x01a'], error: TOO_LONG },
  'cut in its length': { options: {}, wire: '\0\0', messages: [], error: /^ERR_FRAME_INCOMPLETE/ },
  'cut in its body': { options: {}, wire: '\0\0\0\x02a', messages: [], error: /^ERR_FRAME_INCOMPLETE/ },
}

t.test('lengthField: reads messages at every cut', (t) => {
  for (const [name, { options, wire, messages, error }] of Object.entries(rows)) {
    const seen = decodeAtEveryCut(lengthField(options), wire)
    t.match(seen, { error: error ?? null }, name)
    t.same((seen as { messages: unknown }).messages, messages, name)
  }
  t.end()
})

t.test('lengthField: refuses a length that is too large before anything is kept for it', (t) => {
  const fields: readonly (readonly [name: string, width: number, bytes: string])[] = [
    ['2 GiB', 4, '\x80\0\0\0'],
    ['4 GiB - 1', 4, '\xff\xff\xff\xff'],
    ['2^53', 8, '\0\x20\0\0\0\0\0\0'],
    ['2^53 + 1', 8, '\0\x20\0\0\0\0\0\x01'],
    ['-1', 8, '\xff\xff\xff\xff\xff\xff\xff\xff'],
    ['2^56 - 1', 7, '\xff\xff\xff\xff\xff\xff\xff'],
    ['8 MiB + 1', 4, '\0\x80\0\x01'],
  ]
  for (const [name, width, bytes] of fields) {
    t.match(decodeAtEveryCut(lengthField({ width }), `${bytes}rest`), { messages: [], error: TOO_LONG }, name)
    if (width > 6) t.match(decodeAtEveryCut(lengthField({ width, maxLength: Infinity, adjustment: -(2 ** 53 - 1) }), bytes), { error: TOO_LONG }, `${name}, no limit`)
  }
  t.end()
})

t.test('lengthField: allocates nothing by a declared length', (t) => {
  const before = process.memoryUsage().arrayBuffers
  const scanners = Array.from({ length: 100 }, () => new MessageScanner(lengthField()))
  for (const scanner of scanners) {
    scanner.write(bytesOf('\0\x80\0\0a'))
    t.equal(scanner.read(), null)
  }
  t.ok(process.memoryUsage().arrayBuffers - before < MIB)
  t.end()
})

t.test('lengthField: its own limit goes before those of who reads', (t) => {
  const wire = bytesOf('\0\0\0\x0ctwelve bytes')
  for (const chunks of [[wire], [wire.subarray(0, 10), wire.subarray(10)]]) {
    t.same(decode(lengthField(), chunks, { maxFrameLength: 5, maxMessageLength: 5 }), { messages: ['twelve bytes'], error: null })
  }
  t.end()
})

t.test('lengthField: gives views of the chunk it was written in, of its class', (t) => {
  const scanner = new MessageScanner(lengthField({ width: 1 }))
  const chunk = bytesOf('\x02ab')
  scanner.write(chunk)
  const message = scanner.read()
  t.equal(message?.buffer, chunk.buffer)
  t.ok(Buffer.isBuffer(message))
  const kept = new MessageScanner(lengthField({ width: 1, strip: 0 }))
  kept.write(bytesOf('\x02'))
  kept.write(bytesOf('ab'))
  t.same(kept.read(), bytesOf('\x02ab'))
  t.end()
})

t.test('lengthField: tells the offset of each message, and goes on after an error when it is set anew', (t) => {
  const scanner = new MessageScanner(lengthField({ width: 1, maxLength: 2 }))
  scanner.write(bytesOf('\x01a\x09'))
  t.same(scanner.read(), bytesOf('a'))
  t.throws(() => scanner.read(), { code: 'ERR_FRAME_TOO_LONG', offset: 2, messagesBefore: 1, codec: 'lengthField', limit: 2, length: 9 })
  t.throws(() => scanner.read(), { code: 'ERR_FRAME_TOO_LONG' })
  t.same(scanner.takeUnread(), bytesOf('\x09'))
  scanner.setCodec(lengthField({ width: 1 }))
  scanner.write(bytesOf('\x03abc'))
  t.same(scanner.read(), bytesOf('abc'))
  t.end()
})

t.test('lengthField: writes the length and the message', (t) => {
  const writes: readonly (readonly [LengthFieldOptions, string, string])[] = [
    [{}, 'ab', '\0\0\0\x02ab'],
    [{ width: 2, byteOrder: 'little' }, 'ab', '\x02\0ab'],
    [{ width: 8 }, 'a', '\0\0\0\0\0\0\0\x01a'],
    [{ width: 7, byteOrder: 'little' }, 'a', '\x01\0\0\0\0\0\0a'],
    [{ width: 2, adjustment: -2 }, 'ab', '\0\x04ab'],
    [{ width: 1, adjustment: 2 }, 'hha', '\x01hha'],
    [{ offset: 1, width: 1, strip: 0 }, 'x?ab', 'x\x02ab'],
    [{ width: 1, strip: 0 }, '?ab', '\x02ab'],
    [{ width: 1, adjustment: 2, strip: 3 }, '?hha', '\x01hha'],
  ]
  for (const [options, message, wire] of writes) t.same(encode(lengthField(options), bytesOf(message)), bytesOf(wire), JSON.stringify(options))
  const frame = bytesOf('?ab')
  encode(lengthField({ width: 1, strip: 0 }), frame)
  t.same(frame, bytesOf('?ab'), 'what it was given stays')
  t.end()
})

t.test('lengthField: refuses to write what its field cannot say, or its reader does not take', (t) => {
  const refusals: readonly (readonly [LengthFieldOptions, number, RegExp])[] = [
    [{ width: 1 }, 256, /from 0 to 255\. Received 256/],
    [{ width: 2 }, 65_536, /from 0 to 65535/],
    [{ width: 1, adjustment: -1 }, 255, /Received 256/],
    [{ width: 4, adjustment: 2 }, 1, /from 0 to 4294967295\. Received -1/],
    [{ width: 8, adjustment: 2 }, 1, /from 0 to 9007199254740991\. Received -1/],
    [{ maxLength: 5 }, 6, /at most 5 bytes\. Received 6/],
    [{ maxLength: 5, strip: 0 }, 6, /at most 5 bytes\. Received 6/],
    [{ strip: 0 }, 3, /at least 4 bytes: the whole frame\. Received 3/],
    [{ offset: 2 }, 5, /at least 6 bytes/],
    [{ width: 1, strip: 0 }, 257, /from 0 to 255\. Received 256/],
  ]
  for (const [options, length, message] of refusals) {
    t.throws(() => lengthField(options).encode(new Uint8Array(length)), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE', message }, JSON.stringify(options))
  }
  t.throws(() => lengthField().encode('text' as never), { name: 'TypeError' })
  t.end()
})

t.test('lengthField: reads what it wrote', (t) => {
  const options = fc
    .record({ offset: fc.nat(3), width: fc.integer({ min: 1, max: 8 }), byteOrder: fc.constantFrom('big', 'little'), adjustment: fc.integer({ min: -12, max: 3 }), strip: fc.nat(12) })
  const property = fc.property(
    options.chain((given) => {
      const least = Math.max(given.offset + given.width, given.strip, given.offset + given.width + given.adjustment)
      const whole = given.offset > 0 || given.strip !== given.offset + given.width
      const body = fc.uint8Array({ minLength: whole ? least : Math.max(0, given.adjustment), maxLength: 40 })
      return fc.tuple(fc.constant(given), fc.array(body, { maxLength: 4 }), fc.infiniteStream(fc.nat()))
    }),
    ([given, bodies, numbers]) => {
      const codec = lengthField(given)
      const frames = bodies.map((body) => encode(codec, body))
      const wire = Buffer.concat(frames)
      const wanted = frames.map((frame) => told(frame.subarray(given.strip)))
      const cuts = Array.from({ length: 4 }, () => (numbers.next().value as number) % (wire.length + 1)).toSorted((a, b) => a - b)
      const ends = [...cuts, wire.length]
      const read = decode(codec, ends.map((end, index) => wire.subarray(ends[index - 1] ?? 0, end)))
      return read.error === null && JSON.stringify(read.messages) === JSON.stringify(wanted)
    },
  )
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})

t.test('lengthField: reads any bytes alike, however they are cut', (t) => {
  const property = fc.property(
    fc.uint8Array({ max: 5, maxLength: 30 }).chain((wire) => fc.tuple(fc.constant(wire), randomCuts(wire))),
    fc.constantFrom<LengthFieldOptions>({ width: 1 }, { width: 2, byteOrder: 'little' }, { offset: 1, width: 1, strip: 1, adjustment: -1 }, { width: 1, maxLength: 3 }),
    ([wire, chunks], options) => {
      const codec = lengthField(options)
      return JSON.stringify(decode(codec, [wire])) === JSON.stringify(decode(codec, chunks))
    },
  )
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})

t.test('lengthField: checks its options', (t) => {
  const wrong: readonly (readonly [unknown, string])[] = [
    [5, 'options'],
    [{ offset: -1 }, 'options.offset'],
    [{ width: 0 }, 'options.width'],
    [{ width: 9 }, 'options.width'],
    [{ width: '4' }, 'options.width'],
    [{ byteOrder: 'native' }, 'options.byteOrder'],
    [{ adjustment: 0.5 }, 'options.adjustment'],
    [{ strip: -1 }, 'options.strip'],
    [{ maxLength: 0 }, 'options.maxLength'],
  ]
  for (const [options, name] of wrong) t.throws(() => lengthField(options as LengthFieldOptions), { message: new RegExp(`"${name}"`) }, name)
  t.end()
})
