import fc from 'fast-check'
import t from 'tap'
import { syslog, type SyslogOptions } from '../../src/codecs/syslog.js'
import { MessageScanner } from '../../src/framing/message-scanner.js'
import { bytesOf, type Decoded, decode, decodeAtEveryCut, encode, told } from '../support/codecs.js'
import { randomCuts } from '../support/cuts.js'

const MALFORMED = /^ERR_FRAME_MALFORMED /
const TOO_LONG = /^ERR_FRAME_TOO_LONG /
const INCOMPLETE = /^ERR_FRAME_INCOMPLETE /
const counting = { framing: 'octet-counting' } as const
const trailer = { framing: 'trailer' } as const

interface Row {
  readonly wire: string
  readonly options?: SyslogOptions
  readonly messages?: readonly string[]
  readonly error?: RegExp
}

const rows: Readonly<Record<string, Row>> = {
  'octet counting': { wire: '5 <1>ab3 <1>', messages: ['<1>ab', '<1>'] },
  'LF': { wire: '<1>ab\n<2>c\n', messages: ['<1>ab', '<2>c'] },
  'both, told apart one by one': { wire: '<1>ab\n5 <2>\nc<3>d\n3 <4>', messages: ['<1>ab', '<2>\nc', '<3>d', '<4>'] },
  'a message that is counted may be anything': { wire: '2 \n\n', messages: ['\n\n'] },
  'neither': { wire: 'ab\n', error: MALFORMED },
  'a blank line': { wire: '<1>\n\n', messages: ['<1>'], error: MALFORMED },
  'a blank line, passed over': { wire: '\n<1>\n\n3 <2>', options: { skipBlank: true }, messages: ['<1>', '<2>'] },
  'a blank line that is none': { wire: '\rab\r\n', options: { skipBlank: true, trailer: 'crlf' }, error: MALFORMED },
  'only counted': { wire: '<1>ab\n', options: counting, error: TOO_LONG },
  'only counted, and short': { wire: '<1> ab\n', options: counting, error: MALFORMED },
  'only LF': { wire: '5 ab\nc\n', options: trailer, messages: ['5 ab', 'c'] },
  'only LF, blank': { wire: '\nc\n', options: trailer, error: MALFORMED },
  'only LF, blank passed over': { wire: '\nc\n', options: { ...trailer, skipBlank: true }, messages: ['c'] },
  'NUL': { wire: '<1>a\nb\0<2>\0', options: { trailer: 'nul' }, messages: ['<1>a\nb', '<2>'] },
  'CR LF': { wire: '<1>a\nb\rc\r\n', options: { trailer: 'crlf' }, messages: ['<1>a\nb\rc'] },
  'CR is a character under LF': { wire: '<1>a\rb\r\n', messages: ['<1>a\rb\r'] },
  'NUL is a character under LF': { wire: '<1>a\0b\n', messages: ['<1>a\0b'] },
  'LF CR': { wire: '<1>a\n\r', messages: ['<1>a'], error: MALFORMED },
  'a length of 0': { wire: '0 <1>', error: MALFORMED },
  'a length with zeros': { wire: '00005 <1>ab', error: MALFORMED },
  'eight digits': { wire: '00000005 <1>ab', error: TOO_LONG },
  'a minus': { wire: '-1 <1>ab', options: counting, error: MALFORMED },
  'a plus': { wire: '+5 <1>ab', options: counting, error: MALFORMED },
  'two spaces': { wire: '6  <1>ab', messages: [' <1>ab'] },
  'no length': { wire: ' <1>ab', options: counting, error: MALFORMED },
  'a length in hex': { wire: '5a <1>ab', error: MALFORMED },
  'a length and a LF': { wire: '5\n<1> ', error: MALFORMED },
  '2 GiB': { wire: '2147483648 <1>', error: TOO_LONG },
  '2^53': { wire: '9007199254740992 <1>', options: { maxLength: Infinity }, error: TOO_LONG },
  '400 digits': { wire: `${'9'.repeat(400)} <1>`, error: TOO_LONG },
  'at the limit': { wire: '5 <1>ab<1>ab\n', options: { maxLength: 5 }, messages: ['<1>ab', '<1>ab'] },
  'above the limit, counted': { wire: '6 <1>abc', options: { maxLength: 5 }, error: TOO_LONG },
  'above the limit, LF': { wire: '<1>abc\n', options: { maxLength: 5 }, error: TOO_LONG },
  'cut in a length': { wire: '5', error: INCOMPLETE },
  'cut in a message': { wire: '5 <1>', error: INCOMPLETE },
  'a last line without LF': { wire: '<1>a', error: INCOMPLETE },
  'a last line without LF, wanted': { wire: '<1>a', options: { tail: 'emit' }, messages: ['<1>a'] },
  'a counted message that is cut, never wanted': { wire: '5 <1>', options: { tail: 'emit' }, error: INCOMPLETE },
}

t.test('syslog: reads messages alike at every cut', (t) => {
  for (const [name, { wire, options = {}, messages = [], error }] of Object.entries(rows)) {
    const seen = decodeAtEveryCut(syslog(options), wire)
    t.match(seen, { error: error ?? null }, name)
    t.same((seen as Decoded).messages, messages, name)
  }
  t.end()
})

t.test('syslog: allocates nothing by a declared length', (t) => {
  const before = process.memoryUsage().arrayBuffers
  const scanners = Array.from({ length: 100 }, () => new MessageScanner(syslog({ maxLength: 2 ** 32 })))
  for (const scanner of scanners) {
    scanner.write(bytesOf('2147483648 <1>'))
    t.equal(scanner.read(), null)
  }
  t.ok(process.memoryUsage().arrayBuffers - before < 1024 * 1024)
  t.end()
})

t.test('syslog: writes messages, and refuses what cannot be said', (t) => {
  t.same(encode(syslog(), '<1>\né'), bytesOf('6 <1>\n\xc3\xa9'))
  t.same(encode(syslog(counting), bytesOf('<1>a')), bytesOf('4 <1>a'))
  t.same(encode(syslog(trailer), '<1>a'), bytesOf('<1>a\n'))
  t.same(encode(syslog({ ...trailer, trailer: 'crlf' }), '\n<1>a\nb\rc\r'), bytesOf('\n<1>a\nb\rc\r\r\n'))
  t.same(encode(syslog({ ...trailer, trailer: 'nul' }), '<1>a\n'), bytesOf('<1>a\n\0'))
  const refused: readonly (readonly [unknown, SyslogOptions?])[] = [
    [''],
    [new Uint8Array(0), trailer],
    [5],
    ['<1>a\nb', trailer],
    ['<1>a\0b', { ...trailer, trailer: 'nul' }],
    ['<1>a\nb\r\nc', { ...trailer, trailer: 'crlf' }],
    ['abcdef', { maxLength: 5 }],
  ]
  for (const [message, options] of refused) {
    t.throws(() => syslog(options).encode(message as string), { code: /^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/ }, JSON.stringify([message, options]))
  }
  t.end()
})

t.test('syslog: reads what it wrote', (t) => {
  const message = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.concat([bytesOf('<1>'), bytes.map((byte) => (byte === 10 || byte === 0 ? 11 : byte))]))
  const property = fc.property(
    fc.constantFrom<SyslogOptions>({}, counting, trailer, { ...trailer, trailer: 'nul' }),
    fc.array(message, { maxLength: 4 }).chain((messages) => fc.tuple(fc.constant(messages), fc.nat())),
    (options, [messages, size]) => {
      const wire = Buffer.concat(messages.map((one) => encode(syslog(options), one)))
      const at = wire.length === 0 ? 0 : size % wire.length
      t.same(decode(syslog(options), [wire.subarray(0, at), wire.subarray(at)]), { messages: messages.map(told), error: null })
    },
  )
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})

t.test('syslog: reads any bytes alike, however they are cut', (t) => {
  const wire = fc.array(fc.constantFrom('<', '1', '3 ', '\n', '\r\n', 'a', ' ', '0'), { maxLength: 12 }).map((parts) => bytesOf(parts.join('')))
  const property = fc.property(
    wire.chain((bytes) => fc.tuple(fc.constant(bytes), randomCuts(bytes))),
    fc.constantFrom<SyslogOptions>({}, { skipBlank: true, tail: 'emit' }, { trailer: 'crlf', skipBlank: true }, { maxLength: 3 }),
    ([bytes, chunks], options) => JSON.stringify(decode(syslog(options), [bytes])) === JSON.stringify(decode(syslog(options), chunks)),
  )
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})

t.test('syslog: checks its options', (t) => {
  const wrong: readonly (readonly [string, unknown])[] = [
    ['options', 5],
    ['options.framing', { framing: 'lf' }],
    ['options.trailer', { trailer: '\n' }],
    ['options.skipBlank', { skipBlank: 1 }],
    ['options.tail', { tail: 'drop' }],
    ['options.maxLength', { maxLength: 0 }],
  ]
  for (const [name, options] of wrong) t.throws(() => syslog(options as SyslogOptions), { message: new RegExp(`"${name}"`) }, name)
  t.end()
})
