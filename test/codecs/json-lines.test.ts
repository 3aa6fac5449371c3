import fc from 'fast-check'
import t from 'tap'
import { jsonLines, type JsonLinesOptions } from '../../src/codecs/json-lines.js'
import { FramingError } from '../../src/errors.js'
import { NULL } from '../../src/framing/codec.js'
import { MessageScanner } from '../../src/framing/message-scanner.js'
import { decode, decodeAtEveryCut, encode } from '../support/codecs.js'
import { randomCuts } from '../support/cuts.js'

const withoutSymbol = (values: readonly unknown[]): string => JSON.stringify(values.map((value) => (value === NULL ? 'NULL' : value)))

const NO_JSON = /^ERR_FRAME_MALFORMED Message is malformed/
const NO_UTF8 = /^ERR_FRAME_MALFORMED Expected UTF-8/
const CUT = /^ERR_FRAME_INCOMPLETE /

t.test('jsonLines: reads values at every cut, or fails alike', (t) => {
  const rows: readonly (readonly [wire: string | Uint8Array, messages: readonly unknown[], error?: RegExp | undefined, options?: JsonLinesOptions])[] = [
    ['{"a":[1,2]}\n"x"\n0\nfalse\n', [{ a: [1, 2] }, 'x', 0, false]],
    [' [1] \t\r\n2\n', [[1], 2]],
    [Buffer.from('"\u2028é😀"\n'), ['\u2028é😀']],
    ['"a\\nb\\u0000"\n', ['a\nb\0']],
    ['\n', [], NO_JSON],
    ['1\n \t\r\n2\n', [1], NO_JSON],
    ['\n1\n \t\r\n2\n', [1, 2], undefined, { skipBlank: true }],
    ['1\n{"a":}\n2\n', [1], NO_JSON],
    ['1 2\n', [], NO_JSON],
    ['{"a":1\n}\n', [], NO_JSON],
    ['"a\tb"\n', [], NO_JSON],
    ['undefined\n', [], NO_JSON],
    ['NaN\n', [], NO_JSON],
    ['"\xff"\n', [], NO_UTF8],
    ['\xef\xbb\xbf1\n', [], NO_JSON],
    ['"\0"\n', [], NO_JSON],
    ['12', [], CUT],
    ['1\n12', [1, 12], undefined, { tail: 'emit' }],
    ['1\n[12', [1], NO_JSON, { tail: 'emit' }],
    ['"a"\n"ab"\n', ['a'], /^ERR_FRAME_TOO_LONG /, { maxLength: 3 }],
    ['['.repeat(5000), [], CUT],
  ]
  for (const [index, [wire, messages, error, options]] of rows.entries()) {
    const name = `row ${index}`
    const seen = wire.length > 100 ? decode(jsonLines(options), [Buffer.from(wire)]) : decodeAtEveryCut(jsonLines(options), wire)
    t.match(seen, { error: error ?? null }, name)
    t.same((seen as { messages: unknown }).messages, messages, name)
  }
  t.end()
})

t.test('jsonLines: gives NULL for null, and takes it', (t) => {
  const scanner = new MessageScanner(jsonLines())
  scanner.write(Buffer.from('null\n[null]\n'))
  t.equal(scanner.read(), NULL)
  t.same(scanner.read(), [null])
  t.same(encode(jsonLines(), NULL), Buffer.from('null\n'))
  t.end()
})

t.test('jsonLines: says why a line is no JSON, and has it unread, and goes on behind it', (t) => {
  const scanner = new MessageScanner(jsonLines())
  scanner.write(Buffer.from('1\noops\n2\n'))
  t.equal(scanner.read(), 1)
  try {
    scanner.read()
    t.fail('was read')
  } catch (error) {
    t.ok(error instanceof FramingError && error.cause instanceof SyntaxError)
    t.match(error, { code: 'ERR_FRAME_MALFORMED', codec: 'jsonLines', offset: 2, messagesBefore: 1 })
  }
  const unread = scanner.takeUnread()
  t.same(unread, Buffer.from('oops\n2\n'))
  scanner.setCodec(jsonLines())
  scanner.write(unread.subarray(unread.indexOf(0x0a) + 1))
  t.equal(scanner.read(), 2)
  t.end()
})

t.test('jsonLines: survives 100,000 brackets', (t) => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}\n`
  t.doesNotThrow(() => decode({ ...jsonLines(), parse: (frame, ctx) => void jsonLines().parse(frame, ctx) }, [Buffer.from(deep)]))
  t.end()
})

t.test('jsonLines: keeps a key named __proto__ a key', (t) => {
  const scanner = new MessageScanner(jsonLines<Record<string, unknown>>())
  scanner.write(Buffer.from('{"__proto__":{"x":1}}\n'))
  const value = scanner.read() as Record<string, unknown>
  t.equal(Object.getPrototypeOf(value), Object.prototype)
  t.end()
})

t.test('jsonLines: writes one line a value, and refuses what JSON has not', (t) => {
  t.same(encode(jsonLines(), { a: 'x\ny\u2028' }), Buffer.from('{"a":"x\\ny\u2028"}\n'))
  t.same(encode(jsonLines({ maxLength: 4 }), 'é'), Buffer.from('"é"\n'))
  for (const value of [undefined, () => 1, Symbol('x')]) t.throws(() => jsonLines().encode(value), { name: 'TypeError', message: /a value that JSON has/ })
  t.throws(() => jsonLines().encode(1n), TypeError)
  const loop: unknown[] = []
  loop.push(loop)
  t.throws(() => jsonLines().encode(loop), TypeError)
  t.throws(() => jsonLines({ maxLength: 4 }).encode('éa'), { name: 'RangeError', message: /at most 4 bytes\. Received 5/ })
  t.end()
})

t.test('jsonLines: reads what it wrote, however it is cut', (t) => {
  const property = fc.property(
    fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 3 }).chain((values) => {
      const given = values.map((value) => value ?? NULL)
      return fc.tuple(fc.constant(given), randomCuts(Buffer.concat(given.map((value) => encode(jsonLines(), value)))))
    }),
    ([values, chunks]) => {
      const { messages, error } = decode(jsonLines(), chunks)
      return error === null && withoutSymbol(messages) === withoutSymbol(values)
    },
  )
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})

t.test('jsonLines: checks its options', (t) => {
  t.throws(() => jsonLines(1 as never), { message: /"options"/ })
  t.throws(() => jsonLines({ maxLength: 0 }), { message: /"options\.maxLength"/ })
  t.throws(() => jsonLines({ skipBlank: 1 as never }), { message: /"options\.skipBlank"/ })
  t.throws(() => jsonLines({ tail: 'drop' as never }), { message: /"options\.tail"/ })
  t.end()
})
