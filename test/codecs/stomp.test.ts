import fc from 'fast-check'
import t from 'tap'
import { HEARTBEAT, stomp, type StompFrameToSend, type StompOptions } from '../../src/codecs/stomp.js'
import { MessageScanner } from '../../src/framing/message-scanner.js'
import { bytesOf, type Decoded, decode, decodeAtEveryCut, encode } from '../support/codecs.js'
import { randomCuts } from '../support/cuts.js'

const MALFORMED = /^ERR_FRAME_MALFORMED /
const TOO_LONG = /^ERR_FRAME_TOO_LONG /
const INCOMPLETE = /^ERR_FRAME_INCOMPLETE /

interface Row {
  readonly wire: string
  readonly options?: StompOptions
  readonly messages?: readonly string[]
  readonly error?: RegExp
}

/** `COMMAND name=value ... <body>` */
function show(message: unknown): string {
  if (message === HEARTBEAT) return 'heart-beat'
  const { command, headers, body } = message as { command: string; headers: [string, string][]; body: string }
  return [command, ...headers.map((pair) => pair.join('=')), `<${body}>`].join(' ')
}

const bad = (wire: string, options: StompOptions = {}): Row => ({ wire, options, error: MALFORMED })
const long = (wire: string, options: StompOptions = {}): Row => ({ wire, options, error: TOO_LONG })
const send = (length: string): string => `SEND\ncontent-length:${length}\n\nhello\0`

const rows: Readonly<Record<string, Row>> = {
  'a frame': { wire: 'SEND\ndestination:/q\n\nhello\0', messages: ['SEND destination=/q <hello>'] },
  'without headers': { wire: 'BEGIN\n\n\0COMMIT\n\n\0', messages: ['BEGIN <>', 'COMMIT <>'] },
  'CR LF': { wire: 'SEND\r\na:b\r\n\r\nx\r\n\0\r\n', messages: ['SEND a=b <x\r\n>'] },
  'a length': { wire: 'SEND\ncontent-length:3\n\na\0b\0', messages: ['SEND content-length=3 <a\0b>'] },
  'a length of 0': { wire: 'SEND\ncontent-length:0\n\n\0', messages: ['SEND content-length=0 <>'] },
  'heart-beats': { wire: '\n\r\nBEGIN\n\n\0\n\n', messages: ['BEGIN <>'] },
  'heart-beats, delivered': { wire: '\n\r\nBEGIN\n\n\0\n', options: { heartbeats: true }, messages: ['heart-beat', 'heart-beat', 'BEGIN <>', 'heart-beat'] },
  'escapes': { wire: 'SEND\na\\cb:\\r\\n\\c\\\\r\n\n\0', messages: ['SEND a:b=\r\n:\\r <>'] },
  'no escapes in CONNECT and CONNECTED': { wire: 'CONNECT\nhost:a\\n:b\n\n\0CONNECTED\nsession:x:y\n\n\0', messages: ['CONNECT host=a\\n:b <>', 'CONNECTED session=x:y <>'] },
  'escapes in STOMP': { wire: 'STOMP\nhost:a\\cb\n\n\0', messages: ['STOMP host=a:b <>'] },
  'the first of two': { wire: 'MESSAGE\na:1\na:2\n\n\0', messages: ['MESSAGE a=1 <>'] },
  'spaces are kept': { wire: 'SEND\n a : b \n\n\0', messages: ['SEND  a = b  <>'] },
  'an empty value': { wire: 'SEND\na:\n\n\0', messages: ['SEND a= <>'] },
  'UTF-8': { wire: 'SEND\n\xc3\xa9:\xe2\x82\xac\n\n\xff\0', messages: ['SEND é=€ <\xff>'] },
  'no UTF-8': bad('SEND\na:\xff\n\n\0'),
  'a tab that is escaped': bad('SEND\na:\\t\n\n\0'),
  'a backslash at the end': bad('SEND\na:b\\\n\n\0'),
  'a colon in a value': bad('SEND\na:b:c\n\n\0'),
  'a colon in a value, accepted': { wire: 'SEND\na:b:c\n\n\0', options: { rawColons: true }, messages: ['SEND a=b:c <>'] },
  'a line without a colon': bad('SEND\na\n\n\0'),
  'a header without a name': bad('SEND\n:a\n\n\0'),
  'an unknown command': bad('PUT\n\n\0'),
  'a command in lower case': bad('send\n\n\0'),
  'a command with a space behind': bad('SEND \n\n\0'),
  'an unknown command, accepted': { wire: 'PUT\n\nx\0', options: { anyCommand: true }, messages: ['PUT <x>'] },
  'no command at all': bad('A:b\n\n\0', { anyCommand: true }),
  'a body where none may be': bad('ACK\nid:1\n\nx\0'),
  'a length where no body may be': bad('ACK\ncontent-length:1\n\nx\0'),
  'a bare CR': bad('SEND\na:b\rc:d\n\n\0'),
  'CR CR LF': bad('SEND\r\r\n\n\0'),
  'LF CR': bad('SEND\n\ra:b\n\n\0'),
  'NUL in a header': bad('SEND\na:b\0\n\n\0'),
  'NUL in a command': bad('SEND\0\n\n\0'),
  'a body that is longer': bad('SEND\ncontent-length:1\n\nab\0'),
  'two lengths': bad('SEND\ncontent-length:1\ncontent-length:2\n\na\0'),
  'a length twice': { wire: 'SEND\ncontent-length:1\ncontent-length:1\n\na\0', messages: ['SEND content-length=1 <a>'] },
  'a length of -1': bad(send('-1')),
  'a length with zeros': bad(send('00000005')),
  'a length with a plus': bad(send('+5')),
  'a length with a space behind': bad(send('5 ')),
  'a length with a space in front': bad(send(' 5')),
  'no length': bad(send('')),
  'a length of 2 GiB': long(send('2147483648')),
  'a length of 2^53': long(send('9007199254740992'), { maxLength: Infinity }),
  'a length of 400 digits': long(send('9'.repeat(400))),
  'at the limit': { wire: 'SEND\n\nabc\0SEND\ncontent-length:3\n\nabc\0', options: { maxLength: 3 }, messages: ['SEND <abc>', 'SEND content-length=3 <abc>'] },
  'above the limit': long('SEND\n\nabcd\0', { maxLength: 3 }),
  'above the limit, declared': long('SEND\ncontent-length:4\n\nabcd\0', { maxLength: 3 }),
  'a long line': long('SEND\nabcdefghijk:l\n\n\0', { maxHeaderLength: 11 }),
  'long headers': long('SEND\na:b\na:b\na:b\n\n\0', { maxHeaderLength: 16 }),
  'headers at the limit': { wire: 'SEND\na:b\na:b\n\n\0', options: { maxHeaderLength: 14 }, messages: ['SEND a=b <>'] },
  'headers above the limit': long('SEND\na:b\na:b\n\n\0', { maxHeaderLength: 13 }),
  'cut in a command': { wire: 'SEN', error: INCOMPLETE },
  'cut in the headers': { wire: 'SEND\na:b\n', error: INCOMPLETE },
  'cut in a body': { wire: 'SEND\n\nabc', error: INCOMPLETE },
  'cut after a body': { wire: 'SEND\ncontent-length:1\n\na', error: INCOMPLETE },
}

t.test('stomp: reads frames alike at every cut', (t) => {
  for (const [name, { wire, options = {}, messages = [], error }] of Object.entries(rows)) {
    const seen = decodeAtEveryCut(stomp(options), wire)
    t.match(seen, { error: error ?? null }, name)
    t.same((seen as Decoded).messages?.map(show), messages, name)
  }
  t.end()
})

t.test('stomp: allocates nothing by a declared length', (t) => {
  const before = process.memoryUsage().arrayBuffers
  const scanners = Array.from({ length: 100 }, () => new MessageScanner(stomp()))
  for (const scanner of scanners) {
    scanner.write(bytesOf(send('8000000')))
    t.equal(scanner.read(), null)
  }
  t.ok(process.memoryUsage().arrayBuffers - before < 1024 * 1024)
  t.end()
})

t.test('stomp: writes frames', (t) => {
  const writes: readonly (readonly [StompFrameToSend | typeof HEARTBEAT, string, StompOptions?])[] = [
    [HEARTBEAT, '\n'],
    [{ command: 'BEGIN' }, 'BEGIN\n\n\0'],
    [{ command: 'SEND', headers: [['a', 'b']], body: 'é\0' }, 'SEND\ncontent-length:3\na:b\n\n\xc3\xa9\0\0'],
    [{ command: 'SEND', headers: new Map([['a', 'b'], ['content-length', '1']]), body: bytesOf('x') }, 'SEND\na:b\ncontent-length:1\n\nx\0'],
    [{ command: 'SEND', headers: [['a:\r\n\\', ':\r\n\\']] }, 'SEND\na\\c\\r\\n\\\\:\\c\\r\\n\\\\\n\n\0'],
    [{ command: 'CONNECT', headers: [['host', 'a\\:b']] }, 'CONNECT\nhost:a\\:b\n\n\0'],
    [{ command: 'PUT', body: 'x' }, 'PUT\ncontent-length:1\n\nx\0', { anyCommand: true }],
  ]
  for (const [message, wire, options] of writes) t.same(encode(stomp(options), message), bytesOf(wire), JSON.stringify(wire))
  t.end()
})

const frameWith = (...headers: unknown[]): unknown => ({ command: 'SEND', headers })

t.test('stomp: refuses what cannot be said', (t) => {
  const refused: readonly (readonly [unknown, StompOptions?])[] = [
    [null],
    [{ command: 'PUT' }],
    [{ command: 5 }],
    [{ command: 'A:B' }, { anyCommand: true }],
    [{ command: 'A\nB' }, { anyCommand: true }],
    [{ command: 'ACK', body: 'x' }],
    [{ command: 'SEND', body: 5 }],
    [{ command: 'SEND', body: 'abcd' }, { maxLength: 3 }],
    [frameWith(['', 'a'])],
    [frameWith([5, 'a'])],
    [frameWith(['a', 5])],
    [frameWith(['a\0', 'b'])],
    [frameWith(['a', '\0'])],
    [frameWith(['content-length', '5'])],
    [frameWith(['a', 'x'.repeat(20)]), { maxHeaderLength: 20 }],
    [{ command: 'CONNECT', headers: [['a:b', 'c']] }],
    [{ command: 'CONNECT', headers: [['a', 'b\nc']] }],
    [{ command: 'CONNECTED', headers: [['a', '\r']] }],
    [{ command: 'CONNECT', headers: [['a', '\0']] }],
  ]
  for (const [index, [message, options]] of refused.entries()) {
    t.throws(() => stomp(options).encode(message as StompFrameToSend), { code: /^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/ }, `${index}`)
  }
  t.end()
})

interface Framed {
  readonly headers: [string, string][]
  readonly body: Uint8Array
}

t.test('stomp: reads what it wrote', (t) => {
  const text = fc.string({ unit: 'grapheme', maxLength: 8 }).map((one) => one.replaceAll('\0', ''))
  const special = fc.array(fc.constantFrom('\r', '\n', ':', '\\', 'a'), { maxLength: 5 }).map((parts) => parts.join(''))
  const name = fc.oneof(text, special).map((one) => `n${one}`)
  const frame: fc.Arbitrary<Framed> = fc.record({ headers: fc.uniqueArray(fc.tuple(name, fc.oneof(text, special)), { maxLength: 3, selector: ([key]) => key }), body: fc.uint8Array({ maxLength: 20 }) })
  const property = fc.property(
    fc.array(fc.oneof(frame, fc.constant<typeof HEARTBEAT>(HEARTBEAT)), { maxLength: 4 }).chain((frames) => {
      const wire = Buffer.concat(frames.map((one) => encode(stomp(), one === HEARTBEAT ? one : { command: 'SEND', ...one })))
      return fc.tuple(fc.constant(frames), randomCuts(wire))
    }),
    ([frames, chunks]) => {
      const wanted = frames.map((one) => {
        if (one === HEARTBEAT) return HEARTBEAT
        const length = one.body.length === 0 ? [] : [['content-length', String(one.body.length)]]
        return { command: 'SEND', headers: [...length, ...one.headers], body: Buffer.from(one.body).toString('latin1') }
      })
      t.same(decode(stomp({ heartbeats: true }), chunks), { messages: wanted, error: null })
    },
  )
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})

t.test('stomp: reads any bytes alike, however they are cut', (t) => {
  const parts = ['SEND', 'ACK', '\n', '\n', '\r\n', '\r', '\0', 'a:b', ':', '\\c', 'content-length:1', 'x']
  const wire = fc.array(fc.constantFrom(...parts), { maxLength: 12 }).map((chosen) => bytesOf(chosen.join('')))
  const property = fc.property(
    wire.chain((bytes) => fc.tuple(fc.constant(bytes), randomCuts(bytes))),
    fc.constantFrom<StompOptions>({}, { heartbeats: true, anyCommand: true, rawColons: true }, { maxLength: 1, maxHeaderLength: 10 }),
    ([bytes, chunks], options) => JSON.stringify(decode(stomp(options), [bytes])) === JSON.stringify(decode(stomp(options), chunks)),
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }))
  t.end()
})

t.test('stomp: checks its options', (t) => {
  for (const name of ['heartbeats', 'anyCommand', 'rawColons', 'maxHeaderLength', 'maxLength']) {
    t.throws(() => stomp({ [name]: 'yes' }), { message: new RegExp(`"options.${name}"`) }, name)
  }
  t.throws(() => stomp(5 as never), { message: /"options"/ })
  t.end()
})
