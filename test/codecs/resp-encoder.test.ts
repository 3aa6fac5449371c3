import t from 'tap'
import { RespEncoder, type RespEncoderOptions } from '../../src/codecs/resp-encoder.js'
import { RespAttributed, RespError, type RespMessage, RespPush, RespStreamed, RespVerbatim } from '../../src/codecs/resp-values.js'
import { NULL } from '../../src/framing/codec.js'
import { bytesOf } from '../support/codecs.js'

const DEFAULTS: RespEncoderOptions = { protocol: 3, strings: 'bulk', maxDepth: 4 }
const IS_3_ONLY = /must be a value that RESP2 has\./
const ABOUT = new Map([['k', 1]])

const encoder = (options: Partial<RespEncoderOptions> = {}): RespEncoder => new RespEncoder({ ...DEFAULTS, ...options })
const encode = (message: unknown, options: Partial<RespEncoderOptions> = {}) => encoder(options).encode(message as RespMessage)

t.test('RespEncoder: writes what both protocols have alike', (t) => {
  const rows: readonly (readonly [message: unknown, text: string])[] = [
    ['', '$0\r\n\r\n'],
    ['a\r\nb', '$4\r\na\r\nb\r\n'],
    ['é', '$2\r\né\r\n'],
    ['\ud800', '$3\r\n\ud800\r\n'],
    ['a'.repeat(300), `$300\r\n${'a'.repeat(300)}\r\n`],
    ['é'.repeat(300), `$600\r\n${'é'.repeat(300)}\r\n`],
    [0, ':0\r\n'],
    [-5, ':-5\r\n'],
    [Number.MAX_SAFE_INTEGER, ':9007199254740991\r\n'],
    [2n ** 63n - 1n, ':9223372036854775807\r\n'],
    [-(2n ** 63n), ':-9223372036854775808\r\n'],
    [new RespError('ERR no'), '-ERR no\r\n'],
    [[], '*0\r\n'],
    [['GET', ['k', 1]], '*2\r\n$3\r\nGET\r\n*2\r\n$1\r\nk\r\n:1\r\n'],
  ]
  for (const [message, text] of rows) {
    for (const protocol of [2, 3] as const) t.equal(encode(message, { protocol }), text, `RESP${protocol} ${JSON.stringify(text)}`)
  }
  t.end()
})

t.test('RespEncoder: writes what only RESP3 has, and refuses it in RESP2', (t) => {
  const rows: readonly (readonly [message: unknown, text: string])[] = [
    [true, '#t\r\n'],
    [false, '#f\r\n'],
    [1.5, ',1.5\r\n'],
    [-0, ',-0\r\n'],
    [2 ** 53, ',9007199254740992\r\n'],
    [1e21, ',1e+21\r\n'],
    [Infinity, ',inf\r\n'],
    [-Infinity, ',-inf\r\n'],
    [Number.NaN, ',nan\r\n'],
    [2n ** 63n, '(9223372036854775808\r\n'],
    [-(2n ** 63n) - 1n, '(-9223372036854775809\r\n'],
    [new RespError('ERR é\nb'), '!8\r\nERR é\nb\r\n'],
    [new RespVerbatim('txt', 'é'), '=6\r\ntxt:é\r\n'],
    [ABOUT, '%1\r\n$1\r\nk\r\n:1\r\n'],
    [new Set([1, 2]), '~2\r\n:1\r\n:2\r\n'],
    [new RespPush(['m', 1]), '>2\r\n$1\r\nm\r\n:1\r\n'],
    [new RespAttributed(ABOUT, 'x'), '|1\r\n$1\r\nk\r\n:1\r\n$1\r\nx\r\n'],
    [[new RespAttributed(new Map(), 1)], '*1\r\n|0\r\n:1\r\n'],
    [new RespAttributed(ABOUT, new RespPush([])), '|1\r\n$1\r\nk\r\n:1\r\n>0\r\n'],
  ]
  for (const [message, text] of rows) {
    t.equal(encode(message), text, JSON.stringify(text))
    t.throws(() => encode(message, { protocol: 2 }), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: IS_3_ONLY }, `RESP2 ${JSON.stringify(text)}`)
  }
  t.end()
})

t.test('RespEncoder: writes nulls and small bigints as the protocol has them', (t) => {
  const rows: readonly (readonly [message: unknown, in2: string, in3: string])[] = [
    [NULL, '$-1\r\n', '_\r\n'],
    [[null], '*1\r\n$-1\r\n', '*1\r\n_\r\n'],
    [5n, ':5\r\n', '(5\r\n'],
    [BigInt(Number.MIN_SAFE_INTEGER), ':-9007199254740991\r\n', '(-9007199254740991\r\n'],
  ]
  for (const [message, in2, in3] of rows) t.strictSame([encode(message, { protocol: 2 }), encode(message)], [in2, in3])
  t.end()
})

t.test('RespEncoder: gives bytes as they are, between texts', (t) => {
  const bytes = bytesOf('\xff\r\n')
  const alone = encode(bytes)
  t.strictSame(alone, ['$3\r\n', bytes, '\r\n'])
  t.equal((alone as unknown[])[1], bytes, 'no copy')
  t.strictSame(encode(['a', bytes, bytes, 1]), ['*4\r\n$1\r\na\r\n$3\r\n', bytes, '\r\n$3\r\n', bytes, '\r\n:1\r\n'])
  t.end()
})

t.test('RespEncoder: writes simple strings where it is told to, in one line', (t) => {
  const strings = 'simple'
  t.equal(encode(['OK', new Map([['k', '']])], { strings }), '*2\r\n+OK\r\n%1\r\n+k\r\n+\r\n')
  for (const text of ['a\rb', '\n']) t.throws(() => encode(text, { strings }), { code: 'ERR_INVALID_ARG_TYPE', message: /must be a string without CR or LF/ })
  t.end()
})

t.test('RespEncoder: refuses what no protocol can say', (t) => {
  const attributed = new RespAttributed(ABOUT, 1)
  const rows: readonly (readonly [message: unknown, error: RegExp])[] = [
    [undefined, /must be a value that RESP has/],
    [{}, /must be a value that RESP has/],
    [[() => null], /must be a value that RESP has/],
    [Symbol('s'), /must be a value that RESP has/],
    [new RespStreamed(5), /must be a value that RESP has/],
    [[new RespPush([])], /must be a value that RESP has/],
    [[new RespAttributed(ABOUT, new RespPush([]))], /must be a value that RESP has/],
    [new RespVerbatim('tx', ''), /"message\.format" property must be three bytes/],
    [new RespVerbatim('t:x', ''), /"message\.format" property must be three bytes/],
    [new RespVerbatim('t\nx', ''), /"message\.format" property must be three bytes/],
    [new RespVerbatim('txé', ''), /"message\.format" property must be three bytes/],
    [new RespVerbatim(5 as never, ''), /"message\.format" property must be three bytes/],
    [new RespVerbatim('txt', 5 as never), /"message\.text" property must be a string/],
    [new RespAttributed(ABOUT, attributed), /"message\.value" property must be a value without attributes/],
    [new RespAttributed({} as never, 1), /"message\.attributes" property must be a Map/],
    [new RespAttributed([] as never, new RespPush([])), /"message\.attributes" property must be a Map/],
  ]
  for (const [index, [message, error]] of rows.entries()) {
    t.throws(() => encode(message), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: error }, `row ${index}: ${error.source}`)
  }
  t.end()
})

t.test('RespEncoder: refuses what is deeper than maxDepth, and what contains itself', (t) => {
  const error = { code: 'ERR_INVALID_ARG_TYPE', message: /must be nested at most 2 deep/ }
  const circle: unknown[] = []
  circle.push(circle)
  for (const message of [[[[]]], [new Map([[new Set(), 1]])], [[new RespAttributed(new Map(), 1)]], new RespPush([[[]]]), circle]) {
    t.throws(() => encode(message, { maxDepth: 2 }), error)
  }
  t.equal(encode([[], [], new Set(), new Map()], { maxDepth: 2 }), '*4\r\n*0\r\n*0\r\n~0\r\n%0\r\n', 'beside each other')
  t.end()
})

t.test('RespEncoder: begins anew after a message, and after one that it refused', (t) => {
  const used = encoder({ maxDepth: 1 })
  const long = new Uint8Array(1_000)
  t.strictSame(used.encode([long]), ['*1\r\n$1000\r\n', long, '\r\n'])
  t.equal(used.encode([bytesOf('a')]), '*1\r\n$1\r\na\r\n')
  t.throws(() => used.encode([bytesOf('a'), []]))
  t.equal(used.encode([1]), '*1\r\n:1\r\n')
  t.end()
})
