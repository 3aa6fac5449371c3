/** Every codec of the package, with every set of its options that reads otherwise, by the verifier that users get. */
import t from 'tap'
import * as codecs from '../../src/codecs/index.js'
import {
  HEARTBEAT,
  RespAttributed,
  RespError,
  RespPiece,
  RespPush,
  RespStreamed,
  RespVerbatim,
  cobs,
  dotBlock,
  headers,
  httpChunked,
  jsonLines,
  jsonSeq,
  lengthField,
  lines,
  netstring,
  pktLine,
  resp,
  slip,
  stomp,
  syslog,
  telnetLines,
  varintLength,
} from '../../src/codecs/index.js'
import { type Codec, NULL } from '../../src/framing/index.js'
import { type VerifyOptions, verifyDecoder } from '../../src/testing/index.js'

function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

function bodies(...texts: readonly string[]): Buffer[] {
  return texts.map(bytes)
}

/** Neighbours of a body in pieces are one. */
function joinChunks(left: codecs.HttpChunk, right: codecs.HttpChunk): codecs.HttpChunk | undefined {
  return left.type === 'data' && right.type === 'data' ? { type: 'data', data: Buffer.concat([left.data, right.data]) } : undefined
}

function joinPieces(left: unknown, right: unknown): unknown {
  return left instanceof RespPiece && right instanceof RespPiece ? new RespPiece(Buffer.concat([left.bytes, right.bytes])) : undefined
}

/** JSON, if it is whole. */
function parsed(text: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(text).toString())
  } catch {
    return undefined
  }
}

interface Row {
  readonly make: () => Codec<any>
  readonly options: VerifyOptions<any>
}

function row<In, Out>(make: () => Codec<In, Out>, options: VerifyOptions<any>): Row {
  return { make: make as () => Codec<any>, options }
}

const ROWS: Readonly<Record<string, Row>> = {
  'cobs()': row(() => cobs(), {
    bytes: bytes('\x03\x11\x22\x02\x33\0\x01\x01\0\x01\0'),
    messages: bodies('\x11\x22\0\x33', '\0', ''),
    malformed: [bytes('\x05\x11\0')],
  }),
  'dotBlock()': row(() => dotBlock(), {
    bytes: 'Hello\r\n..dot\r\n.\r\n.\r\n',
    messages: bodies('Hello\r\n.dot\r\n', ''),
    malformed: ['a\nb\r\n.\r\n', 'a\rb\r\n.\r\n'],
  }),
  'headers()': row(() => headers(), {
    bytes: 'Content-Length: 2\r\n\r\n{}Content-Length: 0\r\n\r\n',
    messages: [
      { headers: new Map([['content-length', '2']]), body: bytes('{}') },
      { headers: new Map([['content-length', '0']]), body: bytes('') },
    ],
    outgoing: [],
    malformed: ['Content-Length: +2\r\n\r\n{}', 'Content-Length: 02\r\n\r\n{}', 'X: y\r\n\r\n'],
    declared: ['Content-Length: 8000000\r\n\r\n'],
  }),
  'httpChunked()': row(() => httpChunked(), {
    bytes: '5\r\nhello\r\n0\r\n\r\n3;a=b\r\nyou\r\n0\r\nX: y\r\n\r\n',
    messages: [
      { type: 'data', data: bytes('hello') },
      { type: 'end', trailers: [] },
      { type: 'data', data: bytes('you') },
      { type: 'end', trailers: [['X', 'y']] },
    ],
    merge: joinChunks,
    // Data alone is no whole body.
    outgoing: [{ type: 'end', trailers: [] }, { type: 'end', trailers: [['X', 'y']] }],
    malformed: ['05\r\nhello\r\n', '+5\r\nhello\r\n', '5\nhello\r\n', '5 \r\nhello\r\n', 'g\r\n'],
    declared: ['1fffffffffffff\r\n'],
  }),
  'httpChunked({ badWhitespace, leadingZeros })': row(() => httpChunked({ badWhitespace: true, leadingZeros: true }), {
    bytes: '003 ; a\r\nyou\r\n000\r\n\r\n',
    messages: [{ type: 'data', data: bytes('you') }, { type: 'end', trailers: [] }],
    merge: joinChunks,
    outgoing: [],
    malformed: ['+5\r\nhello\r\n'],
  }),
  'jsonLines()': row(() => jsonLines(), {
    bytes: '{"a":[1,"é"]}\nnull\n1\n',
    messages: [{ a: [1, 'é'] }, NULL, 1],
    malformed: ['{\n', '\n', bytes('"\xff"\n')],
    refused: [undefined],
  }),
  'jsonLines({ skipBlank, tail })': row(() => jsonLines({ skipBlank: true, tail: 'emit' }), {
    bytes: '1\n\n2\n3',
    messages: [1, 2, 3],
    ends: [2, 5, Infinity],
    cutMessage: parsed,
    outgoing: [1],
  }),
  'jsonSeq()': row(() => jsonSeq(), {
    bytes: bytes('\x1e{"a":1}\n\x1enull\n\x1e"x"\n'),
    messages: [{ a: 1 }, NULL, 'x'],
    // A text that says itself where it ends needs no LF, RFC 7464 2.1.
    cutMessage: (rest) => (/[}"]$/.test(Buffer.from(rest).toString()) ? parsed(rest.subarray(1)) : undefined),
    malformed: [bytes('1\n'), bytes('\x1e{\n\x1e')],
  }),
  'lengthField()': row(() => lengthField(), {
    bytes: bytes('\0\0\0\x02hi\0\0\0\0\0\0\0\x01!'),
    messages: bodies('hi', '', '!'),
    malformed: [{ bytes: bytes('\xff\xff\xff\xff'), code: 'ERR_FRAME_TOO_LONG' }],
    declared: [bytes('\0\x7f\xff\xff')],
  }),
  "lengthField({ width: 2, byteOrder: 'little', adjustment: -2 })": row(() => lengthField({ width: 2, byteOrder: 'little', adjustment: -2 }), {
    bytes: bytes('\x04\0hi\x02\0'),
    messages: bodies('hi', ''),
    malformed: [bytes('\x01\0')],
  }),
  'lengthField({ offset: 1, strip: 0 })': row(() => lengthField({ offset: 1, width: 1, strip: 0 }), {
    bytes: bytes('A\x02hiB\0'),
    messages: bodies('A\x02hi', 'B\0'),
  }),
  'netstring()': row(() => netstring(), {
    bytes: '5:hello,0:,1:,,',
    messages: bodies('hello', '', ','),
    malformed: ['05:hello,', '+5:hello,', '5 :hello,', ':,', '1:ab', { bytes: '9'.repeat(400), code: 'ERR_FRAME_TOO_LONG' }],
    declared: ['8000000:'],
  }),
  'pktLine()': row(() => pktLine(), {
    bytes: '0009done\n000000010002',
    messages: [{ type: 'data', data: bytes('done\n') }, { type: 'flush' }, { type: 'delim' }, { type: 'response-end' }],
    malformed: ['0003', 'xyzw', '+009', { bytes: 'fff5', code: 'ERR_FRAME_TOO_LONG' }],
  }),
  'resp()': row(() => resp(), {
    bytes: '+OK\r\n-ERR no\r\n:1\r\n$2\r\nhi\r\n*2\r\n$0\r\n\r\n*0\r\n$-1\r\n_\r\n#t\r\n,1.5\r\n(12345678901234567890\r\n=6\r\ntxt:ab\r\n%1\r\n+a\r\n:1\r\n~1\r\n:1\r\n>1\r\n+m\r\n',
    messages: [
      'OK',
      new RespError('ERR no'),
      1,
      bytes('hi'),
      [bytes(''), []],
      NULL,
      NULL,
      true,
      1.5,
      12345678901234567890n,
      new RespVerbatim('txt', 'ab'),
      new Map([['a', 1]]),
      new Set([1]),
      new RespPush(['m']),
    ],
    outgoing: [bytes('OK'), 1, [bytes(''), [1]], NULL],
    malformed: ['+OK\n', '$+2\r\nhi\r\n', '$2\r\nhix\r\n', ':1.5\r\n', '*1\r\n'.repeat(64), { bytes: '$9007199254740992\r\n', code: 'ERR_FRAME_TOO_LONG' }],
    declared: ['$8000000\r\n', '*1000000\r\n'],
  }),
  "resp({ protocol: 2, encoding: null, inline: 'crlf' })": row(() => resp({ protocol: 2, encoding: null, inline: 'crlf' }), {
    bytes: 'PING a\r\n*1\r\n$4\r\nPING\r\n',
    messages: [bodies('PING', 'a'), bodies('PING')],
    outgoing: [],
  }),
  "resp({ attributes: 'wrap', streamAbove: 4 })": row(() => resp({ attributes: 'wrap', streamAbove: 4 }), {
    bytes: '|1\r\n+ttl\r\n:1\r\n+x\r\n$6\r\nabcdef\r\n',
    messages: [new RespAttributed(new Map([['ttl', 1]]), 'x'), new RespPiece(bytes('abcdef')), new RespStreamed(6)],
    merge: joinPieces,
    outgoing: [],
  }),
  'slip()': row(() => slip(), {
    bytes: bytes('\xc0hi\xc0\xdb\xdc\xdb\xdd\xc0'),
    messages: bodies('hi', '\xc0\xdb'),
    outgoing: bodies('hi', '\xc0\xdb'),
    malformed: [bytes('\xdbx\xc0')],
  }),
  'stomp()': row(() => stomp({ heartbeats: true }), {
    bytes: 'SEND\ndestination:/q\n\nhi\0\nMESSAGE\ncontent-length:3\na:b\\cc\n\na\0b\0',
    messages: [
      { command: 'SEND', headers: new Map([['destination', '/q']]), body: bytes('hi') },
      HEARTBEAT,
      { command: 'MESSAGE', headers: new Map([['content-length', '3'], ['a', 'b:c']]), body: bytes('a\0b') },
    ],
    outgoing: [],
    malformed: ['NOPE\n\n\0', 'SEND\na\n\n\0', 'SEND\na:\\x\n\n\0', 'SEND\ncontent-length:+1\n\na\0'],
    declared: ['SEND\ncontent-length:8000000\n\n'],
  }),
  'syslog()': row(() => syslog(), {
    bytes: '5 <1>ab<2>c\n3 x\ny',
    messages: bodies('<1>ab', '<2>c', 'x\ny'),
    outgoing: bodies('<1>ab'),
    malformed: ['05 <1>ab', '+5 <1>ab'],
    declared: ['8000 '],
  }),
  "syslog({ framing: 'octet-counting' })": row(() => syslog({ framing: 'octet-counting' }), {
    bytes: '5 <1>ab1 \n',
    messages: bodies('<1>ab', '\n'),
    malformed: ['<1>ab\n'],
  }),
  "syslog({ framing: 'trailer' })": row(() => syslog({ framing: 'trailer', trailer: 'nul', tail: 'emit' }), {
    bytes: '<1>a\0<2>b\0<3>c',
    messages: bodies('<1>a', '<2>b', '<3>c'),
    ends: [5, 10, Infinity],
    cutMessage: (rest) => (rest.length === 0 ? undefined : Buffer.from(rest)),
    outgoing: bodies('<1>a'),
    refused: bodies('a\0b'),
  }),
  'telnetLines()': row(() => telnetLines({ commands: true }), {
    bytes: bytes('\xff\xfb\x01ab\r\nc\xff\xfa\x18\x01\xff\xff\xff\xf0d\r\0e\r\n'),
    messages: [
      { command: 251, option: 1 },
      'ab',
      { command: 250, option: 24, data: bytes('\x01\xff') },
      'cd\re',
    ],
    outgoing: ['ab', { command: 251, option: 1 }],
    malformed: [bytes('a\n'), bytes('a\rb'), bytes('\xff\x01')],
  }),
  'varintLength()': row(() => varintLength(), {
    bytes: bytes(`\x02hi\0\xac\x02${'x'.repeat(300)}`),
    messages: bodies('hi', '', 'x'.repeat(300)),
    malformed: [bytes('\x80\0'), bytes('\xff'.repeat(12))],
    declared: [bytes('\x80\x80\x80\x03')],
  }),
  'varintLength({ overlong })': row(() => varintLength({ overlong: true }), {
    bytes: bytes('\x82\0hi\x01!'),
    messages: bodies('hi', '!'),
    outgoing: [],
  }),
}

/** Lines, by what ends them. */
const LINES: Readonly<Record<string, { readonly options: codecs.LinesOptions; readonly wire: string; readonly malformed?: readonly string[] }>> = {
  'lines, crlf': { options: { ending: 'crlf' }, wire: 'ab\r\n\r\ncé\r\n', malformed: ['a\nb\r\n', 'a\rb\r\n', 'a\r\r\n', '\n\r'] },
  'lines, crlf, not strict': { options: { ending: 'crlf', strict: false }, wire: 'ab\r\n\r\ncé\r\n' },
  'lines, lf': { options: { ending: 'lf' }, wire: 'ab\n\ncé\n' },
  'lines, crlf-or-lf': { options: { ending: 'crlf-or-lf' }, wire: 'ab\r\n\ncé\r\n' },
}

const verified: Readonly<Record<string, Row>> = {
  ...ROWS,
  ...Object.fromEntries(
    Object.entries(LINES).map(([name, { options, wire, malformed = [] }]) => [
      name,
      row((): Codec<any> => lines(options), { bytes: wire, messages: ['ab', '', 'cé'], malformed, refused: options.strict === false ? [] : ['a\nb'] }),
    ]),
  ),
  'lines, universal, bytes, with a tail': row(() => lines({ ending: 'universal', encoding: null, tail: 'emit' }), {
    bytes: 'a\rb\r\nc\n\nd',
    messages: bodies('a', 'b', 'c', '', 'd'),
    ends: [2, 4, 7, 8, Infinity],
    // The LF after a CR belongs to the end before it.
    cutMessage: (rest) => (String.fromCharCode(...rest).trimStart() === '' ? undefined : bytes(String.fromCharCode(...rest).trimStart())),
    outgoing: bodies('a'),
  }),
}

for (const [name, { make, options }] of Object.entries(verified)) {
  t.test(`verifyDecoder: proves ${name}`, async (t) => {
    const counts = await verifyDecoder(make, options).catch((error: unknown) => String(error))
    t.match(counts, { cuts: Number, truncations: Number })
  })
}

t.test('verifyDecoder: is asked about every codec of the package', (t) => {
  const factories = Object.keys(codecs).filter((name) => /^[a-z]/.test(name))
  const names = new Set(Object.keys(verified).map((name) => /^\w+/.exec(name)?.[0]))
  t.same(factories.filter((name) => !names.has(name)), [])
  t.end()
})
