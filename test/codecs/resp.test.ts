import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { RespAttributed, RespError, type RespMessage, RespPiece, RespPush, RespStreamed, type RespValue, RespVerbatim } from '../../src/codecs/resp-values.js'
import { resp, type RespOptions } from '../../src/codecs/resp.js'
import { NULL } from '../../src/framing/codec.js'
import { MessageScanner } from '../../src/framing/message-scanner.js'
import { bytesOf, encode } from '../support/codecs.js'
import { byteByByte, cutAt, EVERY_CUT_MAX_LENGTH, everyCut, guarded, randomCuts } from '../support/cuts.js'
import { until } from '../support/until.js'

const MIB = 1024 * 1024
const MALFORMED = /^ERR_FRAME_MALFORMED /
const TOO_LONG = /^ERR_FRAME_TOO_LONG /
const INCOMPLETE = /^ERR_FRAME_INCOMPLETE /

/** A value as text that tells all types apart. */
function show(value: unknown): string {
  if (value === NULL) return 'NULL'
  if (value instanceof Uint8Array) return `<${Buffer.from(value).toString('latin1')}>`
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`
  if (value instanceof Map) return `{${Array.from(value, ([key, one]) => `${show(key)}=${show(one)}`).join(' ')}}`
  if (value instanceof Set) return `{${Array.from(value, show).join(' ')}}`
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'string') return `"${value}"`
  return Object.is(value, -0) ? '-0' : showInstance(value)
}

function showInstance(value: unknown): string {
  if (value instanceof RespError) return `${value.code}!${value.message}`
  if (value instanceof RespVerbatim) return `${value.format}:${value.text}`
  if (value instanceof RespPush) return `push${show(value.items)}`
  if (value instanceof RespAttributed) return `|${show(value.attributes)}${show(value.value)}`
  if (value instanceof RespStreamed) return `streamed ${value.length}`
  if (value instanceof RespPiece) return `piece ${Buffer.from(value.bytes).toString('latin1')}`
  return String(value)
}

interface Read {
  readonly messages: readonly string[]
  readonly error: string | null
}

function read(chunks: readonly Uint8Array[], options: RespOptions = {}): Read {
  const scanner = new MessageScanner(resp(options))
  const messages: string[] = []
  const drain = (): void => {
    for (let message; (message = scanner.read()) !== null; ) messages.push(show(message))
  }
  try {
    for (const chunk of chunks) {
      scanner.write(chunk)
      drain()
    }
    scanner.end()
    drain()
    return { messages, error: null }
  } catch (error) {
    return { messages, error: `${(error as { code: string }).code} ${(error as Error).message}` }
  }
}

function* cutsOf(bytes: Uint8Array): Generator<readonly Uint8Array[]> {
  yield byteByByte(bytes)
  if (bytes.length <= EVERY_CUT_MAX_LENGTH) yield* everyCut(bytes)
  else for (let position = 1; position < bytes.length; position++) yield cutAt(bytes, [position])
}

function atEveryCut(wire: string, options: RespOptions): Read | string {
  const whole = read([guarded(bytesOf(wire))], options)
  for (const chunks of cutsOf(bytesOf(wire))) {
    const result = read(chunks, options)
    if (JSON.stringify(result) !== JSON.stringify(whole)) return `whole ${JSON.stringify(whole)}, cut ${chunks.map(show).join(' ')} ${JSON.stringify(result)}`
  }
  return whole
}

interface Row {
  readonly wire: string
  readonly options?: RespOptions
  readonly messages?: readonly string[]
  readonly error?: RegExp
}

const bad = (wire: string, options: RespOptions = {}): Row => ({ wire, options, error: MALFORMED })
const long = (wire: string, options: RespOptions = {}): Row => ({ wire, options, error: TOO_LONG })
const good = (wire: string, ...messages: string[]): Row => ({ wire, messages })

const rows: Readonly<Record<string, Row>> = {
  'simple strings': good('+OK\r\n+\r\n+caf\xc3\xa9\r\n', '"OK"', '""', '"café"'),
  'a long simple string': good(`+${'x'.repeat(60)}\r\n`, `"${'x'.repeat(60)}"`),
  errors: good('-ERR unknown command\r\n-WRONGTYPE\r\n-\r\n', 'ERR!ERR unknown command', 'WRONGTYPE!WRONGTYPE', '!'),
  integers: good(':0\r\n:-1\r\n:+5\r\n:007\r\n:-0\r\n', '0', '-1', '5', '7', '0'),
  'integers of 64 bits': good(':9007199254740991\r\n:9007199254740992\r\n:-9223372036854775808\r\n', '9007199254740991', '9007199254740992n', '-9223372036854775808n'),
  'bulk strings': good('$5\r\nhello\r\n$0\r\n\r\n$2\r\n\r\n\r\n', '<hello>', '<>', '<\r\n>'),
  'nulls at the top': good('$-1\r\n*-1\r\n_\r\n', 'NULL', 'NULL', 'NULL'),
  'nulls inside': good('*3\r\n$-1\r\n*-1\r\n_\r\n', '[null null null]'),
  arrays: good('*0\r\n*2\r\n:1\r\n*1\r\n+a\r\n*1\r\n*0\r\n', '[]', '[1 ["a"]]', '[[]]'),
  'a command, twice': good('*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n', '[<GET> <k>]', '[<PING>]'),
  booleans: good('#t\r\n#f\r\n', 'true', 'false'),
  doubles: good(',1.5\r\n,-2\r\n,+1e3\r\n,1.25E-2\r\n,inf\r\n,-inf\r\n,nan\r\n,-0\r\n', '1.5', '-2', '1000', '0.0125', 'Infinity', '-Infinity', 'NaN', '-0'),
  'big numbers': good('(3492890328409238509324850943850943825024385\r\n(-5\r\n(+5\r\n', '3492890328409238509324850943850943825024385n', '-5n', '5n'),
  'bulk errors': good('!10\r\nERR a\r\nbcd\r\n', 'ERR!ERR a\r\nbcd'),
  'verbatim strings': good('=15\r\ntxt:Some string\r\n=4\r\nmkd:\r\n', 'txt:Some string', 'mkd:'),
  maps: good('%2\r\n+a\r\n:1\r\n+b\r\n%0\r\n', '{"a"=1 "b"={}}'),
  sets: good('~3\r\n+a\r\n:1\r\n+a\r\n', '{"a" 1}'),
  pushes: good('>2\r\n+message\r\n+hi\r\n+OK\r\n', 'push["message" "hi"]', '"OK"'),
  'attributes, passed over': good('|1\r\n+ttl\r\n:5\r\n$1\r\nv\r\n*2\r\n|1\r\n+a\r\n*1\r\n:1\r\n:2\r\n:3\r\n', '<v>', '[2 3]'),
  'attributes of nothing': { wire: '|1\r\n+ttl\r\n:5\r\n', error: INCOMPLETE },
  'attributes, kept': {
    wire: '|1\r\n+ttl\r\n:5\r\n$1\r\nv\r\n*2\r\n|1\r\n+a\r\n:1\r\n*1\r\n:2\r\n:3\r\n|1\r\n+a\r\n:1\r\n|1\r\n+b\r\n:2\r\n>1\r\n+m\r\n|0\r\n+e\r\n|1\r\n+n\r\n:0\r\n_\r\n',
    options: { attributes: 'wrap' },
    messages: ['|{"ttl"=5}<v>', '[|{"a"=1}[2] 3]', '|{"a"=1 "b"=2}push["m"]', '|{}"e"', '|{"n"=0}null'],
  },
  'text': { wire: '*2\r\n$3\r\nabc\r\n$2\r\n\xc3\xa9\r\n', options: { encoding: 'utf8' }, messages: ['["abc" "é"]'] },
  'text that is none': bad('$1\r\n\xff\r\n', { encoding: 'utf8' }),
  'a long text': { wire: `$30\r\n${'x'.repeat(30)}\r\n`, options: { encoding: 'utf8' }, messages: [`"${'x'.repeat(30)}"`] },
  'a message, and then none': { wire: '+OK\r\nhello\r\n', messages: ['"OK"'], error: MALFORMED },
  'an unknown type': bad('@1\r\n'),
  'an empty line': bad('\r\n'),
  'RESP3 under protocol 2': bad('#t\r\n', { protocol: 2 }),
  'a map under protocol 2': bad('%0\r\n', { protocol: 2 }),
  'RESP2 under protocol 2': { wire: '*2\r\n:1\r\n-E\r\n', options: { protocol: 2 }, messages: ['[1 E!E]'] },
  'no integer': bad(':\r\n'),
  'an integer with a space': bad(': 1\r\n'),
  'an integer with a point': bad(':1.0\r\n'),
  'an integer in hex': bad(':0x1\r\n'),
  'an integer of more than 64 bits': bad(':9223372036854775808\r\n'),
  'no double': bad(',\r\n'),
  'a double without digits in front': bad(',.5\r\n'),
  'a double in hex': bad(',0x1\r\n'),
  'Infinity': bad(',Infinity\r\n'),
  'no big number': bad('(1.5\r\n'),
  'no boolean': bad('#true\r\n'),
  'a null with something behind it': bad('_x\r\n'),
  'a verbatim string that is too short': bad('=3\r\ntxt\r\n'),
  'a verbatim string without a colon': bad('=4\r\ntext\r\n'),
  'a verbatim string with a format of four bytes': bad('=6\r\n\xc3\xa9ab:c\r\n'),
  'a negative verbatim string': bad('=-1\r\n'),
  'a negative map': bad('%-1\r\n'),
  'a push in an array': bad('*1\r\n>1\r\n+a\r\n'),
  'a streamed string': bad('$?\r\n;0\r\n'),
  'a streamed array': bad('*?\r\n.\r\n'),
  'a bulk string that is longer': bad('$1\r\nab\r\n'),
  'a bulk string that is shorter': bad('$3\r\nab\r\nc'),
  'CR and no LF after a bulk string': bad('$1\r\na\rb'),
  'a length of -2': bad('$-2\r\n'),
  'a length of -1 with a zero': bad('$-01\r\n'),
  'a length of nothing': bad('$\r\n'),
  'a count of nothing': bad('*\r\n'),
  'a length with zeros': bad('$00000005\r\nhello\r\n'),
  'a length with a plus': bad('$+5\r\nhello\r\n'),
  'a length with a space behind': bad('$5 \r\nhello\r\n'),
  'a length of 2 GiB': long('$2147483648\r\nhello\r\n'),
  'a length of 2^53': long('$9007199254740992\r\n'),
  'a length of 400 digits': long(`$${'9'.repeat(400)}\r\n`),
  'a count with zeros': bad('*00000005\r\n'),
  'a count with a plus': bad('*+5\r\n'),
  'a count with a space behind': bad('*5 \r\n'),
  'a count of 2^31': long('*2147483648\r\n'),
  'a count of 2^53': long('*9007199254740992\r\n'),
  'a count of 400 digits': long(`*${'9'.repeat(400)}\r\n`),
  'a map above the number of values': long('%2\r\n', { maxItems: 3 }),
  'all values count': long('*2\r\n*1\r\n:1\r\n*1\r\n', { maxItems: 3 }),
  'values at their limit': { wire: '*2\r\n*1\r\n:1\r\n:1\r\n', options: { maxItems: 3 }, messages: ['[[1] 1]'] },
  'at the limit of a line': { wire: '+abc\r\n', options: { maxLineLength: 4 }, messages: ['"abc"'] },
  'above the limit of a line': long('+abcd\r\n', { maxLineLength: 4 }),
  'a line that does not end': long('+abcdefgh', { maxLineLength: 4 }),
  'at the limit': { wire: '$3\r\nabc\r\n*1\r\n:12\r\n', options: { maxLength: 9 }, messages: ['<abc>', '[12]'] },
  'a bulk string above the limit': long('$4\r\nabcd\r\n', { maxLength: 9 }),
  'lines above the limit': long('*1\r\n:123\r\n', { maxLength: 9 }),
  'at the limit of depth': { wire: '*1\r\n*1\r\n*0\r\n', options: { maxDepth: 3 }, messages: ['[[[]]]'] },
  'above the limit of depth': bad('*1\r\n*1\r\n*0\r\n', { maxDepth: 2 }),
  'a bare LF': bad('+OK\n+OK\r\n'),
  'a bare CR': bad('+O\rK\r\n'),
  'CR CR LF': bad('+OK\r\r\n'),
  'LF CR': bad('+OK\n\r'),
  'a bare LF after a length': bad('$1\na\r\n'),
  'a bare LF after a bulk string': bad('$1\r\na\n+'),
  'NUL is a character': good('+a\0b\r\n', '"a\0b"'),
  'cut in a line': { wire: '+OK\r', error: INCOMPLETE },
  'cut in an array': { wire: '*2\r\n:1\r\n', error: INCOMPLETE },
  'cut in a bulk string': { wire: '*1\r\n$5\r\nhel', error: INCOMPLETE },
  'cut after a bulk string': { wire: '$2\r\nab\r', error: INCOMPLETE },
  'inline commands': { wire: 'PING\r\n\r\n  SET  k "a b\\n\\x41\\"\\q\\xg1"  \'it\\\'s\\n\'\r\n*1\r\n$1\r\na\r\n', options: { inline: 'crlf' }, messages: ['[<PING>]', '[<SET> <k> <a b\nA"qxg1> <it\'s\\n>]', '[<a>]'] },
  'inline text': { wire: 'GET \xc3\xa9\r\n', options: { inline: 'crlf', encoding: 'utf8' }, messages: ['["GET" "é"]'] },
  'inline, a part that is quoted': { wire: 'a"b c" d\r\n', options: { inline: 'crlf' }, messages: ['[<ab c> <d>]'] },
  'inline, empty quotes': { wire: 'a ""\r\n', options: { inline: 'crlf' }, messages: ['[<a> <>]'] },
  'inline, an open quote': bad('a "b\r\n', { inline: 'crlf' }),
  'inline, an open apostrophe': bad("a 'b\r\n", { inline: 'crlf' }),
  'inline, an escape at the end': bad('a "b\\\r\n', { inline: 'crlf' }),
  'inline, something behind a quote': bad('a "b"c\r\n', { inline: 'crlf' }),
  'inline, a bare LF': bad('PING\n', { inline: 'crlf' }),
  'inline, a bare LF, accepted': { wire: 'PING\nPING\r\n', options: { inline: 'crlf-or-lf' }, messages: ['[<PING>]', '[<PING>]'] },
  'inline, a bare CR': bad('PI\rNG\r\n', { inline: 'crlf-or-lf' }),
  'inline, too long': long('PING PING\r\n', { inline: 'crlf', maxLineLength: 8 }),
  'no inline commands': bad('PING\r\n'),
}

t.test('resp: reads messages alike at every cut', (t) => {
  for (const [name, { wire, options = {}, messages = [], error }] of Object.entries(rows)) {
    const seen = atEveryCut(wire, options)
    t.match(seen, { error: error ?? null }, name)
    t.same((seen as Read).messages, messages, name)
  }
  t.end()
})

t.test('resp: refuses a million nested arrays, and whatever is too deep, without a stack', (t) => {
  const wire = Buffer.from('*1\r\n'.repeat(1_000_000))
  t.match(read([wire]), { messages: [], error: /nested too deep: the limit is 32/ })
  const deep = read([wire], { maxDepth: 2_000_000, maxItems: Infinity })
  t.match(deep, { messages: [], error: INCOMPLETE }, 'with a limit that lets them in they are read')
  const closed = resp({ maxDepth: 100_000, maxItems: Infinity })
  const scanner = new MessageScanner(closed)
  scanner.write(Buffer.from(`${'*1\r\n'.repeat(99_999)}*0\r\n`))
  t.ok(Array.isArray(scanner.read()), 'and closed in a loop')
  t.throws(() => filled('|1\r\n+a\r\n'.repeat(40)).read(), { code: 'ERR_FRAME_MALFORMED', limit: 32 }, 'attributes of attributes too')
  t.end()
})

function filled(wire: string, options: RespOptions = {}): MessageScanner<RespMessage> {
  const scanner = new MessageScanner(resp(options))
  scanner.write(bytesOf(wire))
  return scanner
}

t.test('resp: allocates nothing by what was declared', (t) => {
  const before = process.memoryUsage().arrayBuffers
  const scanners = Array.from({ length: 100 }, () => filled('*1048576\r\n$8000000\r\na'))
  for (const scanner of scanners) t.equal(scanner.read(), null)
  t.ok(process.memoryUsage().arrayBuffers - before < MIB)
  t.end()
})

t.test('resp: streams a bulk string of 500 MB, and keeps nothing of it', (t) => {
  const length = 500 * MIB
  const scanner = filled(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${length}\r\n`, { streamAbove: MIB })
  const chunk = Buffer.alloc(64 * 1024)
  let seen = 0
  let most = 0
  for (let sent = 0; sent < length; sent += chunk.length) {
    scanner.write(chunk)
    for (let message; (message = scanner.read()) !== null; ) seen += (message as RespPiece).bytes.length
    most = Math.max(most, scanner.bufferedLength)
  }
  t.equal(seen, length)
  t.ok(most <= chunk.length, `at most ${most} bytes were held`)
  scanner.write(bytesOf('\r\n+OK\r\n'))
  t.equal(show(scanner.read()), `[<SET> <k> streamed ${length}]`)
  t.equal(show(scanner.read()), '"OK"')
  t.end()
})

t.test('resp: streams what is above the limit, and nothing else', (t) => {
  const options = { streamAbove: 2, maxLength: 40 }
  const joined = (chunks: readonly Uint8Array[]): string => {
    const { messages, error } = read(chunks, options)
    return `${messages.join(' ').replaceAll(/ piece (?=[a-z])/g, '')} ${error?.slice(0, 18) ?? ''}`
  }
  const wires = ['$2\r\nab\r\n', '$3\r\nabc\r\n+OK\r\n', '*2\r\n$6\r\nabcdef\r\n$1\r\na\r\n', '$3\r\nabcd\r\n', '$50\r\nabc', '=5\r\ntxt:a\r\n']
  const wanted = ['<ab> ', 'piece abc streamed 3 "OK" ', 'piece abcdef [streamed 6 <a>] ', 'piece abc ERR_FRAME_MALFORME', 'piece abc ERR_FRAME_INCOMPLE', 'txt:a ']
  for (const [index, wire] of wires.entries()) {
    t.equal(joined([bytesOf(wire)]), wanted[index], wire)
    for (const chunks of cutsOf(bytesOf(wire))) if (joined(chunks) !== wanted[index]) t.equal(joined(chunks), wanted[index], chunks.map(show).join(' '))
  }
  t.end()
})

t.test('resp: leaves what is behind a message to who comes next', (t) => {
  const scanner = filled('*1\r\n$1\r\na\r\n+OK\r\nrest')
  t.equal(show(scanner.read()), '[<a>]')
  t.same(scanner.takeUnread(), bytesOf('+OK\r\nrest'))
  const failed = filled('+OK\r\n*2\r\n:1\r\n@\r\n')
  failed.read()
  t.throws(() => failed.read(), { code: 'ERR_FRAME_MALFORMED', offset: 5, messagesBefore: 1, codec: 'resp' })
  t.same(failed.takeUnread(), bytesOf('*2\r\n:1\r\n@\r\n'), 'after an error too')
  failed.setCodec(resp())
  failed.write(bytesOf(':1\r\n'))
  t.equal(failed.read(), 1)
  t.end()
})

t.test('resp: gives views of the chunk, of its class', (t) => {
  const chunk = bytesOf('$2\r\nab\r\n')
  const scanner = new MessageScanner(resp())
  scanner.write(chunk)
  const message = scanner.read() as Uint8Array
  t.equal(message.buffer, chunk.buffer)
  t.ok(Buffer.isBuffer(message))
  const server = new MessageScanner(resp({ inline: 'crlf' }))
  server.write(bytesOf('*1\r\n$1\r\na\r\nGET "a"\r\n'))
  t.ok(Buffer.isBuffer((server.read() as Uint8Array[])[0]), 'a command')
  t.ok((server.read() as Uint8Array[]).every((argument) => Buffer.isBuffer(argument)), 'an inline command')
  t.end()
})

t.test('resp: looks at a message that comes byte by byte once', (t) => {
  const scanner = new MessageScanner(resp())
  const wire = bytesOf(`*1000\r\n${'$3\r\nabc\r\n'.repeat(1000)}`)
  for (const byte of wire) {
    scanner.write(Uint8Array.of(byte))
    if (scanner.read() !== null) t.pass('it came')
  }
  t.ok(scanner.bytesLookedAt <= 3 * wire.length, `${scanner.bytesLookedAt} of ${wire.length}`)
  t.end()
})

t.test('resp: writes values', (t) => {
  const writes: readonly (readonly [RespMessage, string, RespOptions?])[] = [
    [['SET', 'k', bytesOf('\xff'), ''], '*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n\xff\r\n$0\r\n\r\n'],
    ['é', '$2\r\n\xc3\xa9\r\n'],
    ['x'.repeat(300), `$300\r\n${'x'.repeat(300)}\r\n`],
    ['OK', '+OK\r\n', { strings: 'simple' }],
    [NULL, '_\r\n'],
    [NULL, '$-1\r\n', { protocol: 2 }],
    [[null], '*1\r\n$-1\r\n', { protocol: 2 }],
    [-5, ':-5\r\n'],
    [-0, ',-0\r\n'],
    [1.5, ',1.5\r\n'],
    [1e300, ',1e+300\r\n'],
    [Infinity, ',inf\r\n'],
    [-Infinity, ',-inf\r\n'],
    [Number.NaN, ',nan\r\n'],
    [5n, '(5\r\n'],
    [5n, ':5\r\n', { protocol: 2 }],
    [2n ** 62n, ':4611686018427387904\r\n'],
    [2n ** 63n, '(9223372036854775808\r\n'],
    [-(2n ** 63n) - 1n, '(-9223372036854775809\r\n'],
    [true, '#t\r\n'],
    [false, '#f\r\n'],
    [new RespError('ERR no'), '-ERR no\r\n'],
    [new RespError('ERR a\nb'), '!7\r\nERR a\nb\r\n'],
    [new RespVerbatim('txt', 'é'), '=6\r\ntxt:\xc3\xa9\r\n'],
    [new Map<RespValue, RespValue>([['a', 1], ['b', []]]), '%2\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n*0\r\n'],
    [new Set([1, null]), '~2\r\n:1\r\n_\r\n'],
    [new RespPush(['m', 1]), '>2\r\n$1\r\nm\r\n:1\r\n'],
    [new RespAttributed(new Map([['a', 1]]), [1]), '|1\r\n$1\r\na\r\n:1\r\n*1\r\n:1\r\n'],
    [new RespAttributed(new Map([['a', 1]]), new RespPush([1])), '|1\r\n$1\r\na\r\n:1\r\n>1\r\n:1\r\n'],
  ]
  for (const [message, wire, options] of writes) t.same(encode(resp(options), message), bytesOf(wire), show(message))
  t.end()
})

t.test('resp: refuses to write what cannot be said', (t) => {
  const circle: RespValue[] = []
  circle.push(circle)
  const refused: readonly (readonly [unknown, RespOptions?])[] = [
    [undefined],
    [Symbol('s')],
    [{}],
    [[1, undefined]],
    [new RespStreamed(1)],
    [new RespPiece(bytesOf('a'))],
    [[new RespPush([])]],
    [circle],
    [[[1]], { maxDepth: 1 }],
    [new RespVerbatim('text', 'a')],
    [new RespVerbatim('a:b', 'a')],
    [new RespVerbatim('ééé', 'a')],
    [new RespVerbatim('txt', 1 as never)],
    [new RespAttributed({} as never, 1)],
    [new RespAttributed(new Map(), new RespAttributed(new Map(), 1))],
    ['a\r\nb', { strings: 'simple' }],
    ['a\nb', { strings: 'simple' }],
    [true, { protocol: 2 }],
    [1.5, { protocol: 2 }],
    [2n ** 63n, { protocol: 2 }],
    [new RespError('a\nb'), { protocol: 2 }],
    [new RespVerbatim('txt', 'a'), { protocol: 2 }],
    [new Map(), { protocol: 2 }],
    [new Set(), { protocol: 2 }],
    [new RespPush([]), { protocol: 2 }],
    [new RespAttributed(new Map(), 1), { protocol: 2 }],
  ]
  for (const [index, [message, options]] of refused.entries()) {
    const codec = resp(options)
    t.throws(() => codec.encode(message as RespMessage), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }, `${index}`)
    t.same(encode(codec, ['a']), options?.strings === 'simple' ? bytesOf('*1\r\n+a\r\n') : bytesOf('*1\r\n$1\r\na\r\n'), 'and writes the next')
  }
  t.end()
})

const scalar = fc.oneof(
  fc.string({ unit: 'binary' }).map((text) => text.replaceAll(/[\r\n]/g, '')),
  fc.uint8Array({ maxLength: 20 }),
  fc.double(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
  fc.boolean(),
  fc.constant(null),
  fc.string().map((text) => new RespError(text)),
  fc.string({ unit: 'binary' }).map((text) => new RespVerbatim('txt', text)),
)
const { value } = fc.letrec<{ value: RespValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => new Set(items)),
  ),
}))

t.test('resp: reads what it wrote', (t) => {
  const message = fc.oneof(
    value.map((one) => one ?? NULL),
    fc.array(value, { maxLength: 3 }).map((items) => new RespPush(items)),
    value.map((one) => new RespAttributed(new Map([['a', 1]]), one)),
  ) as fc.Arbitrary<RespMessage>
  const options: RespOptions = { strings: 'simple', attributes: 'wrap' }
  const property = fc.property(
    fc.array(message, { maxLength: 3 }).chain((messages) => {
      const codec = resp(options)
      const wire = Buffer.concat(messages.map((one) => encode(codec, one)))
      return fc.tuple(fc.constant(messages), randomCuts(wire))
    }),
    ([messages, chunks]) => {
      t.same(read(chunks, options), { messages: messages.map(show), error: null })
    },
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }))
  t.end()
})

t.test('resp: reads any bytes alike, however they are cut', (t) => {
  const parts = ['+', '-', ':', '$', '*', '%', '|', '>', '_', '#t', ',', '1', '2', '0', 'a', '\r\n', '\r\n', '\r', '\n', '$1\r\na\r\n']
  const wire = fc.array(fc.constantFrom(...parts), { maxLength: 14 }).map((chosen) => bytesOf(chosen.join('')))
  const property = fc.property(
    wire.chain((bytes) => fc.tuple(fc.constant(bytes), randomCuts(bytes))),
    fc.constantFrom<RespOptions>({}, { inline: 'crlf-or-lf' }, { protocol: 2 }, { maxLength: 12, maxLineLength: 4 }, { attributes: 'wrap' }),
    ([bytes, chunks], options) => JSON.stringify(read([bytes], options)) === JSON.stringify(read(chunks, options)),
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }))
  t.end()
})

t.test('resp: checks its options', (t) => {
  const wrong: readonly (readonly [string, unknown])[] = [
    ['options', null],
    ['options.protocol', { protocol: 4 }],
    ['options.encoding', { encoding: 'latin1' }],
    ['options.strings', { strings: 'text' }],
    ['options.inline', { inline: true }],
    ['options.attributes', { attributes: true }],
    ['options.maxLength', { maxLength: 0 }],
    ['options.maxLineLength', { maxLineLength: 0 }],
    ['options.maxDepth', { maxDepth: 0 }],
    ['options.maxItems', { maxItems: '1' }],
    ['options.streamAbove', { streamAbove: 0 }],
  ]
  for (const [name, options] of wrong) t.throws(() => resp(options as RespOptions), { message: new RegExp(`"${name}"`) }, name)
  t.end()
})

const redisVersion = /v=(\d+)/.exec(spawnSync('redis-server', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1]
/** From 7 on, DEBUG is off by default. */
const debugOption = Number(redisVersion) >= 7 ? ['--enable-debug-command', 'yes'] : []

t.test('resp: speaks with a real redis-server, RESP2 and RESP3', { skip: redisVersion === undefined ? 'redis-server is not installed' : false }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'resp-'))
  const path = join(folder, 'socket')
  const server = spawn('redis-server', ['--port', '0', '--unixsocket', path, '--save', '', '--appendonly', 'no', '--dir', folder, ...debugOption], { stdio: 'pipe' })
  let log = ''
  server.stdout.on('data', (text) => (log += text))
  const hasExited = new Promise((resolve) => server.on('exit', resolve))
  t.teardown(async () => {
    server.kill()
    await hasExited
    rmSync(folder, { recursive: true, force: true })
  })
  await until('redis-server starts', () => log.includes('ready to accept connections') || server.exitCode !== null)

  const codec = resp({ encoding: 'utf8', attributes: 'wrap' })
  const scanner = new MessageScanner(codec)
  const replies: string[] = []
  const socket: Socket = connect(path)
  t.teardown(() => socket.destroy())
  socket.on('data', (chunk) => {
    scanner.write(chunk)
    for (let reply; (reply = scanner.read()) !== null; ) replies.push(show(reply))
  })
  const call = async (...commands: RespMessage[]): Promise<string[]> => {
    replies.length = 0
    socket.write(Buffer.concat(commands.map((command) => encode(codec, command))))
    await until('redis-server replies', () => replies.length >= commands.length)
    return [...replies]
  }
  t.same(await call(['PING'], ['SET', 'k', 'é\r\n'], ['GET', 'k'], ['GET', 'none'], ['INCR', 'n'], ['LPUSH', 'n', '1']), [
    '"PONG"', '"OK"', '"é\r\n"', 'NULL', '1', 'WRONGTYPE!WRONGTYPE Operation against a key holding the wrong kind of value',
  ])
  t.same(await call(['HSET', 'h', 'a', '1'], ['HGETALL', 'h'], ['BLPOP', 'empty', '0.01'], ['LRANGE', 'none', '0', '-1']), ['1', '["a" "1"]', 'NULL', '[]'])
  t.match(await call(['HELLO', '3']), [/^\{"server"="redis".*"proto"=3/])
  t.same(await call(['HGETALL', 'h'], ['GET', 'none'], ['SADD', 's', 'm'], ['SMEMBERS', 's'], ['ZADD', 'z', '1.5', 'a'], ['ZSCORE', 'z', 'a'], ['ZADD', 'z', 'inf', 'b'], ['ZRANGE', 'z', '0', '-1', 'WITHSCORES']), [
    '{"a"="1"}', 'NULL', '1', '{"m"}', '1', '1.5', '1', '[["a" 1.5] ["b" Infinity]]',
  ])
  const debug = await call(['DEBUG', 'PROTOCOL', 'string'], ['DEBUG', 'PROTOCOL', 'integer'], ['DEBUG', 'PROTOCOL', 'double'], ['DEBUG', 'PROTOCOL', 'null'], ['DEBUG', 'PROTOCOL', 'array'], ['DEBUG', 'PROTOCOL', 'set'], ['DEBUG', 'PROTOCOL', 'map'], ['DEBUG', 'PROTOCOL', 'bignum'], ['DEBUG', 'PROTOCOL', 'true'], ['DEBUG', 'PROTOCOL', 'false'], ['DEBUG', 'PROTOCOL', 'verbatim'], ['DEBUG', 'PROTOCOL', 'attrib'])
  t.same(debug, ['"Hello World"', '12345', '3.141', 'NULL', '[0 1 2]', '{0 1 2}', '{0=false 1=true 2=false}', '1234567999999999999999999999999999999n', 'true', 'false', 'txt:This is a verbatim\nstring', '|{"key-popularity"=["key:123" 90]}"Some real reply following the attribute"'])
  t.match(await call(['SUBSCRIBE', 'c']), ['push["subscribe" "c" 1]'])
  const commands = Array.from({ length: 10_000 }, (_, index) => ['ECHO', String(index)])
  t.same(await call(['UNSUBSCRIBE', 'c'], ...commands), ['push["unsubscribe" "c" 0]', ...commands.map(([, text]) => show(text))])
})
