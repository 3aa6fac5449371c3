import t from 'tap'
import { type Need, RespReader, type RespReaderOptions } from '../../src/codecs/resp-reader.js'
import { RespAttributed, RespError, RespPush, RespStreamed, RespVerbatim } from '../../src/codecs/resp-values.js'
import { bytesOf, told } from '../support/codecs.js'

const DEFAULTS: RespReaderOptions = {
  protocol: 3, encoding: 'utf8', maxLength: 1000, maxLineLength: 100, streamAbove: Infinity, maxDepth: 4, maxItems: 10, wraps: true,
}

type Options = Partial<RespReaderOptions>

const reader = (options: Options = {}): RespReader => new RespReader({ ...DEFAULTS, ...options })

t.test('RespReader: says what it needs, and keeps what it has not used', (t) => {
  const rows: readonly (readonly [chunk: string, need: Need, rest: string, options?: Options])[] = [
    ['', 'line', ''],
    ['+OK\r\n', 'nothing', ''],
    ['+OK\r\n+', 'nothing', '+'],
    ['+OK', 'line', '+OK'],
    ['+OK\r', 'line', '+OK\r'],
    ['+O\nK\r\n', 'line', '+O\nK\r\n'],
    ['+O\rK\r\n', 'line', '+O\rK\r\n'],
    ['+1234\r\n', 'nothing', '', { maxLineLength: 5 }],
    ['+1234\r\n', 'line', '+1234\r\n', { maxLineLength: 4 }],
    ['*2\r\n', 'chunk', ''],
    ['*2\r\n:1\r\n:2', 'line', ':2'],
    ['*1\r\n$2\r\nab\r\nx', 'nothing', 'x'],
    ['*2\r\n$2\r\nab\r\n', 'chunk', ''],
    ['|1\r\n+a\r\n+b\r\n', 'chunk', ''],
    ['$3\r\n', 'bytes', ''],
    ['$3\r\nabc\r', 'bytes', 'abc\r'],
    ['$4\r\nabcd\r\n', 'nothing', '', { streamAbove: 4 }],
    ['$5\r\nabcde\r\n', 'pieces', 'abcde\r\n', { streamAbove: 4 }],
    ['=5\r\ntxt:a\r\n', 'nothing', '', { streamAbove: 4 }],
    ['!5\r\nERR a\r\n', 'nothing', '', { streamAbove: 4 }],
  ]
  for (const [chunk, need, rest, options] of rows) {
    const one = reader(options)
    t.strictSame([one.read(bytesOf(chunk)), told(one.takeRest()), one.takeRest().length], [need, rest, 0], JSON.stringify(chunk))
  }
  t.end()
})

t.test('RespReader: reads each type of value', (t) => {
  const long = 'a'.repeat(30)
  const rows: readonly (readonly [wire: string, message: unknown])[] = [
    ['+\r\n', ''],
    [`+${long}\r\n`, long],
    ['+\xc3\xa9\r\n', 'é'],
    ['-ERR no\r\n', new RespError('ERR no')],
    [':+05\r\n', 5],
    [':9223372036854775807\r\n', 9_223_372_036_854_775_807n],
    [':-9223372036854775808\r\n', -9_223_372_036_854_775_808n],
    ['$0\r\n\r\n', ''],
    ['$2\r\n\r\n\r\n', '\r\n'],
    ['$-1\r\n', null],
    ['*-1\r\n', null],
    ['*2\r\n*0\r\n$-1\r\n', [[], null]],
    ['_\r\n', null],
    ['#t\r\n', true],
    ['#f\r\n', false],
    [',-1.5e+3\r\n', -1500],
    [',10\r\n', 10],
    [',inf\r\n', Infinity],
    [',-inf\r\n', -Infinity],
    ['(+12\r\n', 12n],
    ['(-9223372036854775809\r\n', -9_223_372_036_854_775_809n],
    ['!5\r\nE\r\nno\r\n', new RespError('E\r\nno')],
    ['=5\r\ntxt:a\r\n', new RespVerbatim('txt', 'a')],
    ['%1\r\n+k\r\n:1\r\n', new Map([['k', 1]])],
    ['~2\r\n:1\r\n:1\r\n', new Set([1])],
    ['>1\r\n+m\r\n', new RespPush(['m'])],
    ['|1\r\n+k\r\n:1\r\n+x\r\n', new RespAttributed(new Map([['k', 1]]), 'x')],
  ]
  for (const [wire, message] of rows) {
    const one = reader()
    t.strictSame([one.read(bytesOf(wire)), one.message], ['nothing', message], JSON.stringify(wire))
  }
  const one = reader()
  one.read(bytesOf(',nan\r\n'))
  t.ok(Number.isNaN(one.message))
  for (const [wire, number] of [[',-0\r\n', -0], [':-0\r\n', 0]] as const) {
    const zero = reader()
    zero.read(bytesOf(wire))
    t.ok(Object.is(zero.message, number), JSON.stringify(wire))
  }
  t.end()
})

t.test('RespReader: refuses what is malformed', (t) => {
  const rows: readonly (readonly [wire: string, message: string, options?: Options])[] = [
    ['\r\n', 'Expected a value of RESP3, received ""'],
    ['OK\r\n', 'Expected a value of RESP3, received "OK"'],
    ['+\xff\r\n', 'Expected UTF-8, received "\xff"'],
    [':\r\n', 'Expected an integer, received ""'],
    [':1 \r\n', 'Expected an integer, received "1 "'],
    [':9223372036854775808\r\n', 'Expected an integer of 64 bits, received "9223372036854775808"'],
    ['(x\r\n', 'Expected a big number, received "x"'],
    [',.5\r\n', 'Expected a double, received ".5"'],
    [',+inf\r\n', 'Expected a double, received "+inf"'],
    ['#x\r\n', 'Expected t or f, received "x"'],
    ['_x\r\n', 'Expected nothing after the null, received "x"'],
    ['$\r\n', 'Expected a length, received ""'],
    ['$01\r\n', 'Expected a length, received "01"'],
    ['$-2\r\n', 'Expected a length, received "-2"'],
    ['%-1\r\n', 'Expected a length, received "-1"'],
    ['!-1\r\n', 'Expected a length, received "-1"'],
    ['*?\r\n', 'Expected a length, received "?"'],
    ['$1\r\nabc', 'Expected "\\r\\n" after the bytes, received "bc"'],
    ['$1\r\n\xff\r\n', 'Expected UTF-8, received "\xff"'],
    ['=3\r\ntxt\r\n', 'Expected a format of three bytes and a colon, received "txt"'],
    ['=5\r\n\xc3\xa9ab:\r\n', 'Expected a format of three bytes and a colon, received "\xc3\xa9ab:"'],
    ['*1\r\n>0\r\n', 'Expected a push at the top only, received ">0"'],
    ['*1\r\n*0\r\n', 'Values are nested too deep: the limit is 1', { maxDepth: 1 }],
    ...Array.from('_#,(!=%~>|', (type) => [`${type}1\r\n`, `Expected a value of RESP2, received "${type}1"`, { protocol: 2 }] as const),
  ]
  for (const [wire, message, options] of rows) {
    t.throws(() => reader(options).read(bytesOf(wire)), { name: 'FramingError', code: 'ERR_FRAME_MALFORMED', message }, JSON.stringify(wire))
  }
  t.end()
})

t.test('RespReader: refuses what is too long as soon as it is declared', (t) => {
  const rows: readonly (readonly [wire: string, message: RegExp, options: Options])[] = [
    ['$11\r\n', /^Declared length is too long: the limit is 10 bytes, it is 11$/, { maxLength: 10 }],
    ['$5\r\n', /^Message is too long: the limit is 10 bytes, it has at least 11$/, { maxLength: 10 }],
    ['*2\r\n+12345\r\n', /^Message is too long: the limit is 10 bytes, it has at least 12$/, { maxLength: 10 }],
    ['$11\r\n', /^Message is too long: the limit is 10 bytes, it has at least 18$/, { maxLength: 10, streamAbove: 20 }],
    ['!11\r\n', /^Declared length is too long: the limit is 10 bytes, it is 11$/, { maxLength: 10, streamAbove: 5 }],
    ['*9007199254740992\r\n', /^Declared length is too long/, {}],
    ['%2\r\n', /^Message has too many values: the limit is 3, it has at least 4$/, { maxItems: 3 }],
    ['|2\r\n', /^Message has too many values: the limit is 3, it has at least 4$/, { maxItems: 3 }],
  ]
  for (const [wire, message, options] of rows) {
    t.throws(() => reader(options).read(bytesOf(wire)), { name: 'FramingError', code: 'ERR_FRAME_TOO_LONG', message }, JSON.stringify(wire))
  }
  t.equal(reader({ maxLength: 10 }).read(bytesOf('$4\r\n1234\r\n')), 'nothing', 'the limit itself passes')
  t.equal(reader({ maxLength: 10, streamAbove: 5 }).read(bytesOf('$1000000\r\n')), 'pieces', 'what is streamed does not count')
  t.end()
})

t.test('RespReader: goes on with the line or the bytes that it asked for', (t) => {
  const one = reader({ encoding: null })
  t.equal(one.read(bytesOf('*3\r\n')), 'chunk')
  t.equal(one.readLine(bytesOf(':1')), 'chunk')
  t.strictSame([one.readLine(bytesOf('$2')), one.length], ['bytes', 2])
  t.equal(one.readBytes(bytesOf('ab\r\n')), 'chunk')
  t.strictSame([one.readLine(bytesOf('$1')), one.length], ['bytes', 1])
  t.equal(one.readBytes(bytesOf('c\r\n')), 'nothing')
  t.strictSame(told(one.message), [1, 'ab', 'c'])
  t.throws(() => reader().readLine(bytesOf('')), { code: 'ERR_FRAME_MALFORMED' })
  const wrong = reader()
  wrong.readLine(bytesOf('$1'))
  t.throws(() => wrong.readBytes(bytesOf('ab\n')), { code: 'ERR_FRAME_MALFORMED', message: /after the bytes, received "b\\n"$/ })
  t.end()
})

t.test('RespReader: puts RespStreamed where pieces were', (t) => {
  const one = reader({ streamAbove: 4 })
  t.strictSame([one.read(bytesOf('*2\r\n$9\r\n')), one.length], ['pieces', 9])
  t.throws(() => one.endPieces(bytesOf('\n\r')), { code: 'ERR_FRAME_MALFORMED', message: /after the bytes/ })
  t.equal(one.endPieces(bytesOf('\r\n')), 'chunk')
  t.strictSame([one.readLine(bytesOf('$5')), one.length], ['pieces', 5])
  t.equal(one.endPieces(bytesOf('\r\n')), 'nothing')
  t.strictSame(one.message, [new RespStreamed(9), new RespStreamed(5)])
  t.end()
})

t.test('RespReader: gives bulk strings as views of the chunk where encoding is null', (t) => {
  for (const chunk of [Buffer.from('$2\r\n\xffa\r\n', 'latin1'), Uint8Array.from(bytesOf('$2\r\n\xffa\r\n'))]) {
    const one = reader({ encoding: null })
    t.equal(one.read(chunk), 'nothing')
    const bytes = one.message as Uint8Array
    t.strictSame([bytes.buffer === chunk.buffer, Buffer.isBuffer(bytes), told(bytes)], [true, Buffer.isBuffer(chunk), '\xffa'])
  }
  t.end()
})

t.test('RespReader: passes attributes over where it does not wrap', (t) => {
  const one = reader({ wraps: false })
  t.equal(one.read(bytesOf('|1\r\n+k\r\n:1\r\n>1\r\n+m\r\n')), 'nothing')
  t.strictSame(one.message, new RespPush(['m']))
  t.end()
})
