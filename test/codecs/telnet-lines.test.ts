import fc from 'fast-check'
import t from 'tap'
import { telnetLines, type TelnetLinesOptions, type TelnetMessage } from '../../src/codecs/telnet-lines.js'
import { bytesOf, type Decoded, decode, decodeAtEveryCut, encode, told } from '../support/codecs.js'
import { randomCuts } from '../support/cuts.js'

const MALFORMED = /^ERR_FRAME_MALFORMED /
const TOO_LONG = /^ERR_FRAME_TOO_LONG /
const INCOMPLETE = /^ERR_FRAME_INCOMPLETE /

interface Row {
  readonly wire: string
  readonly options?: TelnetLinesOptions
  readonly messages?: readonly unknown[]
  readonly error?: RegExp
}

const bad = (wire: string, options: TelnetLinesOptions = {}): Row => ({ wire, options, error: MALFORMED })
const long = (wire: string, options: TelnetLinesOptions = {}): Row => ({ wire, options, error: TOO_LONG })
const lenient = { bareCr: 'data', bareLf: 'data' } as const

const rows: Readonly<Record<string, Row>> = {
  'lines': { wire: 'ab\r\n\r\nc\r\n', messages: ['ab', '', 'c'] },
  'UTF-8': { wire: '\xc3\xa9\r\n', messages: ['é'] },
  'no UTF-8': bad('\xe9\r\n'),
  'bytes': { wire: '\xe9\xff\xff\r\n', options: { encoding: null }, messages: ['\xe9\xff'] },
  'CR NUL': { wire: 'a\r\0b\r\n', messages: ['a\rb'] },
  'CR NUL, an end': { wire: 'a\r\0b\r\n', options: { crNul: 'end' }, messages: ['a', 'b'] },
  'NUL': { wire: 'a\0b\r\n', messages: ['a\0b'] },
  'a bare CR': bad('a\rb\r\n'),
  'a bare LF': bad('a\nb\r\n'),
  'CR CR LF': bad('a\r\r\n'),
  'LF CR': bad('a\n\r'),
  'a bare CR, accepted': { wire: 'a\rb\r\r\n', options: lenient, messages: ['a\rb\r'] },
  'a bare LF, accepted': { wire: 'a\nb\r\n', options: lenient, messages: ['a\nb'] },
  'LF CR, accepted': { wire: 'a\n\rb\r\n', options: lenient, messages: ['a\n\rb'] },
  'a bare LF, an end': { wire: 'a\n\nb\r\n', options: { bareLf: 'end' }, messages: ['a', '', 'b'] },
  'a bare CR before IAC IAC': { wire: 'a\r\xff\xff\r\n', options: { encoding: null, ...lenient }, messages: ['a\r\xff'] },
  'CR before IAC IAC': bad('a\r\xff\xff\r\n', { encoding: null }),
  'commands are taken out': { wire: 'a\xff\xf1b\xff\xfd\x01\xff\xfa\x18\x00vt\xff\xff\xff\xf0c\r\n', messages: ['abc'] },
  'line ends in commands are none': { wire: 'a\xff\xfa\x01\r\n\xff\xf0\xff\xfb\n\xff\xfb\rb\r\n', messages: ['ab'] },
  'commands between CR and LF': { wire: 'a\r\xff\xf1\xff\xfe\x03\n', messages: ['a'] },
  'commands, delivered': {
    wire: '\xff\xfb\x01ab\xff\xfe\xffc\xff\xf9\r\xff\xfa\x18\x01\xff\xff\xff\xf0\n\xff\xfa\xff\xff\xff\xf0',
    options: { commands: true },
    messages: [{ command: 251, option: 1 }, { command: 254, option: 255 }, { command: 249 }, { command: 250, option: 24, data: '\x01\xff' }, 'abc', { command: 250, option: 255, data: '' }],
  },
  'an end after a command in a line': { wire: 'a\xff\xf1', error: INCOMPLETE },
  'an end after a command after CR': { wire: '\r\xff\xf1', error: INCOMPLETE },
  'an end after a command between lines': { wire: 'a\r\n\xff\xf1', messages: ['a'] },
  'no command': bad('\xff\x01\r\n'),
  'SE without SB': bad('\xff\xf0\r\n'),
  'the first command': { wire: '\xff\xeca\r\n', messages: ['a'] },
  'below the first command': bad('\xff\xeba\r\n'),
  'something else in SB': bad('\xff\xfa\x01a\xff\xf1\r\n'),
  'an option 255 that is not doubled': bad('\xff\xfa\xff\x01\xff\xf0\r\n'),
  'at the limit': { wire: 'abc\r\n', options: { maxLength: 3 }, messages: ['abc'] },
  'above the limit': long('abcd\r\n', { maxLength: 3 }),
  'above the limit, in parts': long('ab\xff\xf1cd\r\n', { maxLength: 3 }),
  'commands do not count': { wire: 'ab\xff\xf1c\r\n', options: { maxLength: 3 }, messages: ['abc'] },
  'a subnegotiation at the limit': { wire: '\xff\xfa\x01ab\xff\xffc\xff\xf0d\r\n', options: { maxCommandLength: 4 }, messages: ['d'] },
  'a subnegotiation above the limit': long('\xff\xfa\x01ab\xff\xffcd\xff\xf0\r\n', { maxCommandLength: 4 }),
  'a subnegotiation that does not end': long('\xff\xfa\x01abcdefg', { maxCommandLength: 4 }),
  'cut in a line': { wire: 'ab', error: INCOMPLETE },
  'cut after CR': { wire: 'ab\r', error: INCOMPLETE },
  'cut in a command': { wire: '\xff\xfb', error: INCOMPLETE },
}

t.test('telnetLines: reads lines alike at every cut', (t) => {
  for (const [name, { wire, options = {}, messages = [], error }] of Object.entries(rows)) {
    const seen = decodeAtEveryCut(telnetLines(options), wire)
    t.match(seen, { error: error ?? null }, name)
    t.same((seen as Decoded).messages, messages, name)
  }
  t.end()
})

t.test('telnetLines: reads a hundred thousand commands in a line', (t) => {
  const wire = bytesOf(`a${'\xff\xf1'.repeat(100_000)}b\r\n`)
  t.same(decode(telnetLines(), [wire]), { messages: ['ab'], error: null })
  t.equal(decode(telnetLines({ commands: true }), [wire]).messages.length, 100_001)
  t.end()
})

t.test('telnetLines: writes lines and commands', (t) => {
  const writes: readonly (readonly [TelnetMessage, string, TelnetLinesOptions?])[] = [
    ['', '\r\n'],
    ['é\r', '\xc3\xa9\r\0\r\n'],
    [bytesOf('a\xff'), 'a\xff\xff\r\n'],
    ['a\nb', 'a\nb\r\n', lenient],
    [{ command: 241 }, '\xff\xf1'],
    [{ command: 253, option: 1 }, '\xff\xfd\x01'],
    [{ command: 250, option: 255, data: bytesOf('\x01\xff') }, '\xff\xfa\xff\xff\x01\xff\xff\xff\xf0'],
  ]
  for (const [message, wire, options = {}] of writes) t.same(encode(telnetLines(options), message), bytesOf(wire), JSON.stringify(wire))
  t.end()
})

t.test('telnetLines: refuses what cannot be said', (t) => {
  const refused: readonly (readonly [unknown, TelnetLinesOptions?])[] = [
    [null],
    [5],
    ['a\nb'],
    ['a\r\nb'],
    ['a\nb', { bareLf: 'end' }],
    ['a\rb', { crNul: 'end' }],
    ['abcd', { maxLength: 3 }],
    [{}],
    [{ command: 235 }],
    [{ command: 240 }],
    [{ command: 255 }],
    [{ command: 241.5 }],
    [{ command: 241, option: 1 }],
    [{ command: 251 }],
    [{ command: 251, option: 256 }],
    [{ command: 251, option: 1, data: bytesOf('a') }],
    [{ command: 250, option: 1 }],
    [{ command: 250, option: 1, data: bytesOf('abcd') }, { maxCommandLength: 3 }],
  ]
  for (const [index, [message, options = {}]] of refused.entries()) {
    t.throws(() => telnetLines(options).encode(message as TelnetMessage), { code: /^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/ }, `${index}`)
  }
  t.end()
})

t.test('telnetLines: reads what it wrote', (t) => {
  const byte = fc.oneof(fc.constantFrom(0, 13, 255), fc.nat(255)).map((one) => (one === 10 ? 11 : one))
  const line = fc.array(byte, { maxLength: 12 }).map((bytes) => Buffer.from(bytes))
  const command = fc.oneof(
    fc.constantFrom(236, 239, 241, 249).map((code) => ({ command: code })),
    fc.record({ command: fc.constantFrom(251, 252, 253, 254), option: fc.nat(255) }),
    fc.record({ command: fc.constant(250), option: fc.nat(255), data: line }),
  )
  const options: TelnetLinesOptions = { commands: true, encoding: null }
  const property = fc.property(
    fc.array(fc.oneof(line, command), { maxLength: 5 }).chain((messages) => {
      const wire = Buffer.concat(messages.map((one) => encode(telnetLines(options), one)))
      return fc.tuple(fc.constant(messages), randomCuts(wire))
    }),
    // A command at the end begins a line that does not come: so one does.
    ([messages, chunks]) => t.same(decode(telnetLines(options), [...chunks, bytesOf('\r\n')]), { messages: [...messages.map(told), ''], error: null }),
  )
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})

t.test('telnetLines: reads any bytes alike, however they are cut', (t) => {
  const wire = fc.array(fc.constantFrom(0, 10, 13, 13, 97, 240, 241, 250, 251, 255, 255), { maxLength: 14 }).map((bytes) => Uint8Array.from(bytes))
  const property = fc.property(
    wire.chain((bytes) => fc.tuple(fc.constant(bytes), randomCuts(bytes))),
    fc.constantFrom<TelnetLinesOptions>({}, { commands: true, encoding: null, ...lenient }, { crNul: 'end', bareLf: 'end', bareCr: 'data' }, { maxLength: 2, maxCommandLength: 1 }),
    ([bytes, chunks], options) => JSON.stringify(decode(telnetLines(options), [bytes])) === JSON.stringify(decode(telnetLines(options), chunks)),
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }))
  t.end()
})

t.test('telnetLines: checks its options', (t) => {
  for (const name of ['commands', 'encoding', 'crNul', 'bareCr', 'bareLf', 'maxLength', 'maxCommandLength']) {
    t.throws(() => telnetLines({ [name]: 'no' } as TelnetLinesOptions), { message: new RegExp(`"options.${name}"`) }, name)
  }
  t.throws(() => telnetLines(5 as never), { message: /"options"/ })
  t.end()
})
