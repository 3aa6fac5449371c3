import fc from 'fast-check'
import t from 'tap'
import { headers, type HeadersOptions } from '../../src/codecs/headers.js'
import { MessageScanner } from '../../src/framing/message-scanner.js'
import { bytesOf, decode, decodeAtEveryCut, encode } from '../support/codecs.js'
import { randomCuts } from '../support/cuts.js'

const MIB = 1024 * 1024
const NO_FIELD = /^ERR_FRAME_MALFORMED Expected a header field/
const NO_LENGTH = /^ERR_FRAME_MALFORMED Expected a length/
const TOO_LONG = /^ERR_FRAME_TOO_LONG /
const CUT = /^ERR_FRAME_INCOMPLETE /

const message = (fields: Readonly<Record<string, string>>, body: string) => ({ headers: Object.entries(fields), body })

t.test('headers: reads messages at every cut, or fails alike', (t) => {
  const rows: readonly (readonly [wire: string, messages: readonly unknown[], error?: RegExp | undefined, options?: HeadersOptions])[] = [
    ['Content-Length: 2\r\n\r\n{}content-LENGTH: 0\r\n\r\n', [message({ 'content-length': '2' }, '{}'), message({ 'content-length': '0' }, '')]],
    ['X-a: b: c\r\nContent-Length: 1\r\n\r\nx', [message({ 'x-a': 'b: c', 'content-length': '1' }, 'x')]],
    ['\r\n', [], NO_LENGTH],
    ['X: y\r\n\r\n', [], NO_LENGTH],
    ['Content-Length: \r\n\r\n', [], NO_LENGTH],
    ['Content-Length: +5\r\n\r\nhello', [], NO_LENGTH],
    ['Content-Length: -1\r\n\r\n', [], NO_LENGTH],
    ['Content-Length: 5 \r\n\r\nhello', [], NO_FIELD],
    ['Content-Length:5\r\n\r\nhello', [], NO_FIELD],
    ['Content-Length:  5\r\n\r\nhello', [], NO_FIELD],
    ['Content-Length : 5\r\n\r\nhello', [], NO_FIELD],
    [' Content-Length: 5\r\n\r\nhello', [], NO_FIELD],
    ['Content-Length: 1\r\n 2\r\n\r\n', [], NO_FIELD],
    ['Content-Length: 5\n\r\n', [], NO_FIELD],
    ['Content-Length: 5\0\r\n', [], NO_FIELD],
    ['Content-Length: 5\r\r\n', [], NO_FIELD],
    ['no colon\r\n', [], NO_FIELD],
    [': x\r\n', [], NO_FIELD],
    ['caf\xe9: x\r\n', [], NO_FIELD],
    ['X: caf\xe9\r\n', [], NO_FIELD],
    ['Content-Length: 5, 5\r\n\r\nhello', [], NO_LENGTH],
    ['Content-Length: 00000005\r\n\r\nhello', [], NO_LENGTH],
    ['Content-Length: 5\r\nCONTENT-LENGTH: 5\r\n', [], /^ERR_FRAME_MALFORMED Expected only one content-length/],
    ['X: 1\r\nx: 2\r\n', [], /^ERR_FRAME_MALFORMED Expected only one x/],
    ['Content-Length: 2147483648\r\n\r\n', [], TOO_LONG],
    ['Content-Length: 9007199254740992\r\n\r\n', [], TOO_LONG, { maxLength: Infinity }],
    [`Content-Length: ${'9'.repeat(400)}\r\n\r\n`, [], TOO_LONG],
    ['Content-Length: 6\r\n\r\n', [], TOO_LONG, { maxLength: 5 }],
    ['Content-Length: 2\r\n\r\nab', [message({ 'content-length': '2' }, 'ab')], undefined, { maxHeaderLength: 21, maxLength: 2 }],
    ['Content-Length: 2\r\n\r\nab', [], /^ERR_FRAME_TOO_LONG Header is too long: the limit is 20 bytes, it has at least 21/, { maxHeaderLength: 20 }],
    ['A: 1\r\nB: 2\r\nC: 3\r\n', [], /^ERR_FRAME_TOO_LONG Header is too long/, { maxHeaderLength: 12 }],
    ['A: 123456789', [], /^ERR_FRAME_TOO_LONG Frame/, { maxHeaderLength: 10 }],
    ['Content-Length:\t 5\t\r\n\r\nhello', [message({ 'content-length': '5' }, 'hello')], undefined, { strict: false }],
    ['Content-Length:5\r\nX:\r\n\r\nhello', [message({ 'content-length': '5', x: '' }, 'hello')], undefined, { strict: false }],
    ['Content-Length: 5\r\n\r\nhell', [], CUT],
    ['Content-Length: 5\r\n', [], CUT],
    ['Content', [], CUT],
  ]
  for (const [wire, messages, error, options] of rows) {
    const name = JSON.stringify(wire.slice(0, 40))
    const seen = decodeAtEveryCut(headers(options), wire)
    t.match(seen, { error: error ?? null }, name)
    t.same((seen as { messages: unknown }).messages, messages, name)
  }
  t.end()
})

t.test('headers: its own limits go before those of who reads, and it allocates nothing by a declared length', (t) => {
  const wire = 'Content-Length: 12\r\n\r\ntwelve bytes'
  t.same(decodeAtEveryCut(headers(), wire, { maxFrameLength: 1, maxMessageLength: 5 }), { messages: [message({ 'content-length': '12' }, 'twelve bytes')], error: null })
  const before = process.memoryUsage().arrayBuffers
  const scanners = Array.from({ length: 100 }, () => new MessageScanner(headers()))
  for (const scanner of scanners) {
    scanner.write(bytesOf('Content-Length: 8388608\r\n\r\nx'))
    t.equal(scanner.read(), null)
  }
  t.ok(process.memoryUsage().arrayBuffers - before < MIB)
  t.end()
})

t.test('headers: writes the length first, and what it read', (t) => {
  t.same(encode(headers(), { body: 'é' }), Buffer.from('Content-Length: 2\r\n\r\né'))
  const written = encode(headers(), { headers: [['X-Trace', 'on'], ['Content-Type', '']], body: bytesOf('{}') })
  t.same(written, bytesOf('Content-Length: 2\r\nX-Trace: on\r\nContent-Type: \r\n\r\n{}'))
  const scanner = new MessageScanner(headers())
  scanner.write(written)
  const read = scanner.read()
  t.same(encode(headers(), read as NonNullable<typeof read>), bytesOf('Content-Length: 2\r\nx-trace: on\r\ncontent-type: \r\n\r\n{}'))
  t.end()
})

t.test('headers: refuses to write what would be read as something else', (t) => {
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /"message" argument must be an object/],
    [{ body: 5 }, /"message\.body"/],
    [{ headers: [['a\r\nb', 'c']], body: '' }, /names that are tokens/],
    [{ headers: [['', 'c']], body: '' }, /names that are tokens/],
    [{ headers: [[5, 'c']], body: '' }, /names that are tokens/],
    [{ headers: [['a', 'b\r\nContent-Length: 5']], body: '' }, /visible ASCII/],
    [{ headers: [['a', ' b']], body: '' }, /visible ASCII/],
    [{ headers: [['a', 'é']], body: '' }, /visible ASCII/],
    [{ headers: [['a', 5]], body: '' }, /visible ASCII/],
    [{ headers: [['a', '1'], ['A', '2']], body: '' }, /only one a/],
    [{ headers: [['content-length', '3']], body: 'ab' }, /Content-Length of 2, or none\. Received "3"/],
    [{ body: 'abcdef' }, /at most 5 bytes\. Received 6/],
    [{ headers: [['a', 'b'.repeat(40)]], body: '' }, /at most 50 bytes\. Received 66/],
  ]
  const codec = headers({ maxLength: 5, maxHeaderLength: 50 })
  for (const [given, error] of refused) t.throws(() => codec.encode(given as never), { message: error }, String(error))
  t.end()
})

t.test('headers: reads what it wrote, however it is cut', (t) => {
  const name = fc.stringMatching(/^[a-z-]{1,5}$/)
  const value = fc.stringMatching(/^([!-~]([ -~]{0,5}[!-~])?)?$/)
  const messages = fc.array(fc.record({ fields: fc.dictionary(name, value, { maxKeys: 3, noNullPrototype: true }), body: fc.uint8Array({ maxLength: 8 }) }), { maxLength: 3 })
  const property = fc.property(
    messages.chain((given) => {
      const wire = Buffer.concat(given.map(({ fields, body }) => encode(headers(), { headers: Object.entries(fields), body })))
      return fc.tuple(fc.constant(given), randomCuts(wire))
    }),
    ([given, chunks]) => {
      const wanted = given.map(({ fields, body }) => ({
        headers: [['content-length', String(body.length)], ...Object.entries(fields)],
        body: Buffer.from(body).toString('latin1'),
      }))
      return JSON.stringify(decode(headers(), chunks)) === JSON.stringify({ messages: wanted, error: null })
    },
  )
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})

t.test('headers: checks its options', (t) => {
  t.throws(() => headers(null as never), { message: /"options"/ })
  t.throws(() => headers({ maxHeaderLength: 0 }), { message: /"options\.maxHeaderLength"/ })
  t.throws(() => headers({ maxLength: 0 }), { message: /"options\.maxLength"/ })
  t.throws(() => headers({ strict: null as never }), { message: /"options\.strict"/ })
  t.end()
})
