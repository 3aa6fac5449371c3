import fc from 'fast-check'
import t from 'tap'
import { JsonSeqFailure, jsonSeq, type JsonSeqOptions } from '../../src/codecs/json-seq.js'
import { NULL } from '../../src/framing/codec.js'
import { MessageScanner } from '../../src/framing/message-scanner.js'
import { bytesOf, type Decoded, decode, decodeAtEveryCut, encode } from '../support/codecs.js'
import { byteByByte, randomCuts } from '../support/cuts.js'

const MALFORMED = /^ERR_FRAME_MALFORMED /
const TOO_LONG = /^ERR_FRAME_TOO_LONG /

interface Row {
  readonly wire: string
  readonly options?: JsonSeqOptions
  readonly messages?: readonly unknown[]
  readonly error?: RegExp
}

/** `^` stands for RS. */
const rows: Readonly<Record<string, Row>> = {
  'values': { wire: '^{"a":[1]}\n^"x"\n^2\n^true\n', messages: [{ a: [1] }, 'x', 2, true] },
  'a text of several lines': { wire: '^{\n "a": [\n1\n]\n}\n^[]\n', messages: [{ a: [1] }, []] },
  'a LF before the text': { wire: '^\n\n 1\n', messages: [1] },
  'brackets in strings': { wire: '^["]\\"}\\\\",\n"{"]\n', messages: [[']"}\\', '{']] },
  'several separators': { wire: '^^^1\n^^', messages: [1] },
  'blank texts': { wire: '^ \n^\t^1\n', messages: [1] },
  'white space between texts': { wire: '^1\n \r\n\t^2\n', messages: [1, 2] },
  'texts that end themselves, without LF': { wire: '^{"a":1}^[2]^"x"', messages: [{ a: 1 }, [2], 'x'] },
  'white space instead of LF': { wire: '^1 ^true\t^null\r', messages: [1, true, '[NULL]'] },
  'a number that may be cut': { wire: '^12^3\n', error: MALFORMED },
  'a negative number that may be cut': { wire: '^-12', error: MALFORMED },
  'true that may be cut': { wire: '^true^3\n', error: MALFORMED },
  'null that may be cut, at the end': { wire: '^null', error: MALFORMED },
  'a text that was cut': { wire: '^{"a":^3\n', error: MALFORMED },
  'a text that was cut, after LF': { wire: '^{"a":\n^3\n', error: MALFORMED },
  'a text that the end cuts': { wire: '^{"a":', error: MALFORMED },
  'a string that was cut': { wire: '^"ab\n^3\n', error: MALFORMED },
  'no JSON': { wire: '^nope\n', error: MALFORMED },
  'two values': { wire: '^1 2\n', error: MALFORMED },
  'a bracket too many': { wire: '^]\n', error: MALFORMED },
  'no separator': { wire: '1\n', error: MALFORMED },
  'something behind a text': { wire: '^1\n2\n', messages: [1], error: MALFORMED },
  'no UTF-8': { wire: '^"\xff"\n', error: MALFORMED },
  'NUL': { wire: '^1\0\n', error: MALFORMED },
  'passed over': { wire: 'x^{"a":^12^nope}\nrest\n^3\n^{', options: { invalid: 'skip' }, messages: [3] },
  'at the limit': { wire: '^"a"\n', options: { maxLength: 4 }, messages: ['a'] },
  'above the limit': { wire: '^"ab"\n', options: { maxLength: 4 }, error: TOO_LONG },
  'above the limit, in lines': { wire: '^[\n1\n]\n', options: { maxLength: 4 }, error: TOO_LONG },
  'above the limit, without an end': { wire: '^[1,2,3', options: { maxLength: 4 }, error: TOO_LONG },
  'above the limit, passing over': { wire: '^nopes\n', options: { maxLength: 4, invalid: 'skip' }, error: TOO_LONG },
}

const withSeparators = (wire: string): Uint8Array => bytesOf(wire.replaceAll('^', '\x1e'))

t.test('jsonSeq: reads values alike at every cut', (t) => {
  for (const [name, { wire, options = {}, messages = [], error }] of Object.entries(rows)) {
    const seen = decodeAtEveryCut(jsonSeq(options), withSeparators(wire))
    t.match(seen, { error: error ?? null }, name)
    t.same((seen as Decoded).messages.map((message) => (message === NULL ? '[NULL]' : message)), messages, name)
  }
  t.end()
})

t.test('jsonSeq: delivers what is no JSON, where it is asked to', (t) => {
  for (const chunks of [[withSeparators('x^{"a":^12^1 2\n^3\n^')], byteByByte(withSeparators('x^{"a":^12^1 2\n^3\n^'))]) {
    const scanner = new MessageScanner<unknown>(jsonSeq({ invalid: 'deliver' }))
    const seen: unknown[] = []
    for (const chunk of chunks) scanner.write(chunk)
    scanner.end()
    for (let message; (message = scanner.read()) !== null; ) {
      seen.push(message instanceof JsonSeqFailure ? [Buffer.from(message.bytes).toString(), message.error.code] : message)
    }
    t.same(seen, [['x', 'ERR_FRAME_MALFORMED'], ['{"a":', 'ERR_FRAME_MALFORMED'], ['12', 'ERR_FRAME_MALFORMED'], ['1 2\n', 'ERR_FRAME_MALFORMED'], 3])
  }
  t.end()
})

t.test('jsonSeq: delivers a value at its LF, and does not wait for the next', (t) => {
  const scanner = new MessageScanner(jsonSeq())
  scanner.write(withSeparators('^{"a":\n1}\n'))
  t.same(scanner.read(), { a: 1 })
  t.equal(scanner.bufferedLength, 0)
  t.end()
})

t.test('jsonSeq: writes values, and refuses what is none', (t) => {
  t.same(encode(jsonSeq(), { a: 'é' }), bytesOf('\x1e{"a":"\xc3\xa9"}\n'))
  t.same(encode(jsonSeq(), NULL), bytesOf('\x1enull\n'))
  for (const value of [undefined, () => 1, Symbol('s')]) t.throws(() => jsonSeq().encode(value), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => jsonSeq().encode(1n), { name: 'TypeError' })
  t.throws(() => jsonSeq({ maxLength: 4 }).encode('ab'), { code: 'ERR_OUT_OF_RANGE' })
  t.same(encode(jsonSeq({ maxLength: 4 }), 'a'), bytesOf('\x1e"a"\n'))
  t.end()
})

t.test('jsonSeq: reads what it wrote', (t) => {
  const property = fc.property(
    fc.array(fc.jsonValue().filter((value) => value !== null), { maxLength: 4 }).chain((values) => {
      const wire = Buffer.concat(values.map((value) => encode(jsonSeq(), value)))
      return fc.tuple(fc.constant(JSON.stringify(values)), randomCuts(wire))
    }),
    ([values, chunks]) => {
      const seen = decode(jsonSeq(), chunks)
      t.same([JSON.stringify(seen.messages), seen.error], [values, null])
    },
  )
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})

t.test('jsonSeq: reads any bytes alike, however they are cut', (t) => {
  const wire = fc.array(fc.constantFrom('^', '^', '\n', '[', ']', '"', '\\', '1', ' ', 'x', 'null'), { maxLength: 12 }).map((parts) => withSeparators(parts.join('')))
  const property = fc.property(
    wire.chain((bytes) => fc.tuple(fc.constant(bytes), randomCuts(bytes))),
    fc.constantFrom<JsonSeqOptions>({}, { invalid: 'skip' }, { maxLength: 3 }),
    ([bytes, chunks], options) => JSON.stringify(decode(jsonSeq(options), [bytes])) === JSON.stringify(decode(jsonSeq(options), chunks)),
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }))
  t.end()
})

t.test('jsonSeq: checks its options', (t) => {
  t.throws(() => jsonSeq(5 as never), { message: /"options"/ })
  t.throws(() => jsonSeq({ maxLength: 0 }), { message: /"options.maxLength"/ })
  t.throws(() => jsonSeq({ invalid: 'drop' as never }), { message: /"options.invalid"/ })
  t.end()
})
