import t from 'tap'
import { type Codec, EndOfInput, NULL, checkCodec, checkMessage, isFrameCodec } from '../../src/framing/codec.js'

const stepped: Codec<string> = {
  *decode() {
    return String(yield '\n')
  },
  encode: (line) => `${line}\n`,
}
const framed: Codec<string> = { terminator: '\n', parse: String, encode: (line) => `${line}\n` }

function encode(): string {
  return ''
}

t.test('checkCodec: takes a codec of either kind, or what makes one', (t) => {
  for (const codec of [stepped, framed]) {
    t.equal(checkCodec('codec', codec), codec)
    t.equal(checkCodec('codec', () => codec), codec)
  }
  t.same([isFrameCodec(stepped), isFrameCodec(framed)], [false, true])
  t.end()
})

t.test('checkCodec: names what is no codec', (t) => {
  const rows: readonly [what: string, given: unknown, received: RegExp][] = [
    ['nothing', undefined, /Received undefined/],
    ['null', null, /Received null/],
    ['a text', 'lines', /Received "lines"/],
    ['a factory of a factory', () => () => stepped, /Received function/],
    ['a factory of nothing', () => {}, /Received undefined/],
    ['an encoder alone', { encode }, /Received an instance of Object/],
    ['a decoder alone', { decode: () => {} }, /Received an instance of Object/],
    ['a terminator without parse', { terminator: '\n', encode }, /Received an instance of Object/],
    ['a terminator with decode', { terminator: '\n', decode: () => {}, encode }, /Received an instance of Object/],
  ]
  for (const [what, given, message] of rows) {
    t.throws(() => checkCodec('codec', given as typeof stepped), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message }, what)
    t.throws(() => checkCodec('codec', given as typeof stepped), { message: /^The "codec" argument must be a codec \{ decode, encode \}/ }, what)
  }
  t.end()
})

t.test('checkMessage: takes anything but null', (t) => {
  for (const message of [0, '', false, undefined, NULL]) t.equal(checkMessage(message), message)
  t.throws(() => checkMessage(null), { name: 'TypeError', message: /give NULL/ })
  t.end()
})

t.test('NULL: is the same in two copies of the package', (t) => {
  t.equal(NULL, Symbol.for('asynchat.NULL'))
  t.end()
})

t.test('EndOfInput: has the bytes that were cut', (t) => {
  const bytes = new Uint8Array([1])
  const error = new EndOfInput(bytes)
  t.equal(error.bytes, bytes)
  t.equal(error.name, 'EndOfInput')
  t.notOk(Object.keys(error).includes('name'))
  t.ok(error instanceof Error)
  t.end()
})
