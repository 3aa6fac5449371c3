import t from 'tap'
import { type Codec, type FrameCodec, FramingError, type SteppedCodec } from '../../src/framing/index.js'
import { FrameScanner } from '../../src/framing/frame-scanner.js'
import { MessageScanner, type MessageScannerOptions } from '../../src/framing/message-scanner.js'
import { decodeAtEveryCut, told } from '../support/codecs.js'

function framesOf(parts: Partial<FrameCodec<unknown>>): FrameCodec<unknown> {
  return { terminator: '\n', parse: String, encode: () => '', ...parts }
}

function steps(decode: SteppedCodec<unknown>['decode'], name?: string): Codec<unknown> {
  return { decode, encode: () => '', name }
}

const line = steps(function* () {
  return String(yield '\n')
}, 'line')

function scannerOf(codec: Codec<unknown>, text: string, options?: MessageScannerOptions): MessageScanner<unknown> {
  const scanner = new MessageScanner<unknown>(codec, options)
  scanner.write(Buffer.from(text))
  return scanner
}

function allOf(scanner: MessageScanner<unknown>): unknown[] {
  const messages: unknown[] = []
  for (let message; (message = scanner.read()) !== null; ) messages.push(told(message))
  return messages
}

const rows: readonly [name: string, codec: FrameCodec<unknown>, input: string, messages: readonly unknown[], error?: RegExp, options?: MessageScannerOptions][] = [
  ['each frame', framesOf({ parse: told }), 'a\n\nb\n', ['a', '', 'b']],
  ['frames of a count', framesOf({ terminator: 2, parse: told }), 'abcd', ['ab', 'cd']],
  ['no message of what is undefined', framesOf({ parse: (frame) => (frame.length === 0 ? undefined : told(frame)) }), '\na\n\n', ['a']],
  ['how a frame ended', framesOf({ terminator: ['\r\n', '\n'], parse: (_, ctx) => [ctx.ending, ctx.matched, ctx.offset] }), 'a\nb\r\n', [['terminator', 1, 0], ['terminator', 0, 2]]],
  ['a tail', framesOf({ tail: 'emit', parse: (frame, ctx) => [told(frame), ctx.ending] }), 'a\nb', [['a', 'terminator'], ['b', 'eof']]],
  [
    'what is emitted, in turn',
    framesOf({
      parse(frame, ctx) {
        ctx.emit(`(${String(told(frame))}`)
        return frame.length === 0 ? undefined : ')'
      },
    }),
    'a\n\nb\n',
    ['(a', ')', '(', '(b', ')'],
  ],
  [
    'what is put back as the next frame',
    framesOf({
      parse(frame, ctx) {
        if (frame.length < 3) return told(frame)
        ctx.pushBack(Buffer.concat([frame.subarray(2), Buffer.from('\n')]))
        return told(frame.subarray(0, 2))
      },
    }),
    'abcde\nf\n',
    ['ab', 'cd', 'e', 'f'],
  ],
  ['a tail that is none', framesOf({ name: 'one' }), 'a\nbc', ['97'], /^ERR_FRAME_INCOMPLETE Frame at offset 2 .*after 2 bytes of it \(message 1 of one, which begins at offset 2\)$/],
  ['null', framesOf({ parse: () => null, name: 'one' }), 'a\n', [], /^ERR_FRAME_MALFORMED Message is malformed: A message must not be null.* \(message 0 of one, /],
  ['a frame that is too long', framesOf({ parse: told }), 'a\nbcd\n', ['a'], /^ERR_FRAME_TOO_LONG .*\(message 1, which begins at offset 2\)$/, { maxFrameLength: 2 }],
  ['a count that is too long', framesOf({ terminator: 3 }), 'abc', [], /^ERR_FRAME_TOO_LONG .*limit is 2 bytes/, { maxMessageLength: 2 }],
]

for (const [name, codec, input, messages, error, options] of rows) {
  t.test(`MessageScanner: of a codec with a terminator gives ${name}, at every cut`, (t) => {
    t.match(decodeAtEveryCut(codec, input, options), { messages, error: error ?? null })
    t.end()
  })
}

function fail(): never {
  throw new Error('no')
}

t.test('MessageScanner: leaves the bytes unread of which parse() made no message', (t) => {
  const fails = (parse: FrameCodec<unknown>['parse'], parts: Partial<FrameCodec<unknown>> = {}): unknown[] => {
    const scanner = scannerOf(framesOf({ parse, ...parts }), 'ab;\ncd\n')
    scanner.end()
    t.throws(() => allOf(scanner), FramingError)
    const unread = scanner.takeUnread()
    return [told(unread), Buffer.isBuffer(unread)]
  }
  t.same(fails(fail), ['ab;\ncd\n', true])
  t.same(fails(fail, { terminator: [';\n', '\n'] }), ['ab;\ncd\n', true])
  t.same(fails(fail, { terminator: 3 }), ['ab;\ncd\n', true])
  t.same(fails(() => undefined, { terminator: '!' }), ['ab;\ncd\n', true], 'cut by the end')
  for (const back of ['\n', ';\n', 'ab;\n']) {
    const unread = fails((_frame, ctx) => {
      ctx.pushBack(Buffer.from(back))
      return fail()
    })
    t.same(unread, ['ab;\ncd\n', true], 'what was put back is not there twice')
  }
  const unread = fails((frame, ctx) => {
    ctx.emit(frame)
    return fail()
  })
  t.same(unread, ['cd\n', true], 'what was emitted is delivered')
  t.end()
})

t.test('MessageScanner: says of each error the codec, the message and where it begins, and says it again', (t) => {
  class Refusal extends Error {}
  const refusal = new Refusal('refused')
  const malformed = new FramingError('ERR_FRAME_MALFORMED', 'Bad')
  const givens: readonly [given: unknown, codec: string | undefined, wanted: object][] = [
    [refusal, 'two', { code: 'ERR_FRAME_MALFORMED', cause: refusal, codec: 'two', messagesBefore: 1, offset: 4 }],
    [refusal, undefined, { cause: refusal, codec: undefined, messagesBefore: 1 }],
    ['text', 'two', { code: 'ERR_FRAME_MALFORMED', cause: 'text' }],
    [undefined, 'two', { code: 'ERR_FRAME_MALFORMED', message: /no Error/ }],
    [malformed, 'two', { message: 'Bad (message 1 of two, which begins at offset 4)', codec: 'two', messagesBefore: 1, offset: 4 }],
  ]
  for (const [given, name, wanted] of givens) {
    const codec = steps(function* () {
      const text = String(yield '\n')
      if (String(yield '\n') === 'x') throw given
      return text
    }, name)
    const scanner = scannerOf(codec, 'a\nb\nc\nx\n')
    t.equal(scanner.hasFailed, false)
    t.equal(scanner.read(), 'a')
    const errors = [0, 1].map(() => {
      try {
        return scanner.read()
      } catch (error) {
        return error
      }
    })
    t.match(errors[0], wanted)
    t.equal(errors[0], errors[1])
    t.equal(scanner.hasFailed, true)
    t.equal(told(scanner.takeUnread()), 'c\nx\n')
  }
  t.end()
})

t.test('MessageScanner: reads on after an error when a codec is set, or it is begun anew', (t) => {
  const strict = framesOf({ parse: (frame) => (frame.length > 0 ? told(frame) : null) })
  const scanner = scannerOf(strict, 'a\n\nb\n')
  t.equal(scanner.read(), 'a')
  t.throws(() => scanner.read(), { code: 'ERR_FRAME_MALFORMED' })
  scanner.restart()
  t.throws(() => scanner.read(), { code: 'ERR_FRAME_MALFORMED' }, 'it is there still')
  scanner.setCodec(line)
  t.same(allOf(scanner), ['', 'b'])
  t.end()
})

t.test('MessageScanner: lets a codec that is set rule the byte after the last message', (t) => {
  const two = steps(function* () {
    return String(yield 2)
  })
  const pair = steps(function* () {
    return [String(yield ':'), String(yield ':')]
  })
  const scanner = scannerOf(line, 'ab\ncd\nefg:h\n')
  t.equal(scanner.read(), 'ab')
  scanner.setCodec(two)
  t.equal(scanner.read(), 'cd')
  scanner.setCodec(() => framesOf({ parse: told }))
  t.equal(scanner.read(), '')
  scanner.setCodec(pair)
  t.equal(scanner.read(), null, 'it waits inside a message')
  t.equal(scanner.isInFrame, true)
  scanner.setCodec(line)
  t.equal(scanner.read(), 'efg:h')
  t.equal(scanner.frameCount, 4)
  t.throws(() => scanner.setCodec({} as Codec<unknown>), { code: 'ERR_INVALID_ARG_TYPE' })
  scanner.write(Buffer.from('i\n'))
  t.equal(scanner.read(), 'i', 'what is refused changes nothing')
  t.end()
})

t.test('MessageScanner: delivers what was emitted whatever codec is set then', (t) => {
  const letters = steps(function* (ctx) {
    for (const letter of String(yield '\n')) ctx.emit(letter)
    yield '\n'
  })
  const scanner = scannerOf(letters, 'ab\ncd\n')
  t.equal(scanner.read(), 'a')
  scanner.setCodec(framesOf({ parse: told }))
  t.same(allOf(scanner), ['b', 'cd'])
  t.end()
})

t.test('MessageScanner: gives unread bytes, and takes them back, in the middle of a message', (t) => {
  const pair = steps(function* () {
    return [String(yield ':'), String(yield '\n')]
  })
  const scanner = scannerOf(pair, 'a:b')
  t.equal(scanner.isEmpty, false)
  t.equal(scanner.read(), null)
  t.same([scanner.bufferedLength, scanner.isEmpty, scanner.isInFrame], [3, false, true])
  scanner.pushBack(Buffer.from('x'))
  t.equal(scanner.bufferedLength, 4)
  const unread = scanner.takeUnread()
  t.equal(told(unread), 'xa:b')
  t.same([scanner.bufferedLength, scanner.isEmpty, scanner.isInFrame], [0, true, false])
  scanner.pushBack(unread)
  scanner.write(Buffer.from('\n'))
  t.same(scanner.read(), ['xa', 'b'])
  t.throws(() => scanner.pushBack('x' as never), { code: 'ERR_INVALID_ARG_TYPE' })
  t.end()
})

t.test('MessageScanner: fails a message that is late, in either kind of codec', (t) => {
  for (const codec of [line, framesOf({ parse: told })]) {
    const scanner = scannerOf(codec, 'a\nb')
    t.equal(scanner.read() === null, false)
    t.equal(scanner.read(), null)
    const error = scanner.expire(30)
    t.match(error, { code: 'ERR_FRAME_TIMEOUT', limit: 30, offset: 2, messagesBefore: 1 })
    t.throws(() => scanner.read(), error)
    t.equal(told(scanner.takeUnread()), 'b')
  }
  const timed = steps(function* () {
    return yield { until: '\n', frameTimeout: 7 }
  })
  const scanner = scannerOf(timed, 'a')
  t.equal(scanner.read(), null)
  t.equal(scanner.frameTimeout, 7)
  t.end()
})

t.test('MessageScanner: reads from a scanner that is somebody else’s, under its own limits', (t) => {
  const shared = new FrameScanner({ terminator: '!', rearmCount: false, maxFrameLength: 4, tail: 'emit' })
  shared.write(Buffer.from('abcdef!ghijkl--mn'))
  const six = new MessageScanner<unknown>(
    steps(function* () {
      return String(yield 6)
    }),
    {},
    shared,
  )
  const pairs = new MessageScanner<unknown>(framesOf({ terminator: 2, parse: (frame) => (told(frame) === '--' ? undefined : told(frame)) }), {}, shared)
  t.equal(shared.getTerminator(), '!', 'until it is told to')
  six.restart()
  t.equal(six.read(), 'abcdef')
  shared.setTerminator('!')
  t.equal(told(shared.read()), '')
  six.restart()
  t.equal(six.read(), 'ghijkl')
  six.giveUp()
  pairs.restart()
  t.equal(pairs.read(), 'mn', 'after one that makes no message the count holds again')
  t.end()
})

t.test('MessageScanner: tells decode() how its frame ended and where it began, and throws the end of input into it', (t) => {
  const told = steps(function* (ctx) {
    yield '\n'
    return [ctx.ending, ctx.matched, ctx.offset]
  }, 'told')
  const scanner = scannerOf(told, 'a\nb\ncd')
  scanner.end()
  t.same([scanner.read(), scanner.read()], [['terminator', 0, 0], ['terminator', 0, 2]])
  t.throws(() => scanner.read(), { code: 'ERR_FRAME_INCOMPLETE', codec: 'told', offset: 4, length: 2, bytes: Buffer.from('cd'), messagesBefore: 2 })
  t.end()
})

t.test('MessageScanner: tells what it looked at', (t) => {
  const scanner = scannerOf(line, 'abc\n')
  t.equal(scanner.bytesLookedAt, 0)
  scanner.read()
  t.equal(scanner.bytesLookedAt, 4)
  t.end()
})

t.test('MessageScanner: checks its arguments', (t) => {
  t.throws(() => new MessageScanner({} as Codec<unknown>), { code: 'ERR_INVALID_ARG_TYPE', message: /"codec"/ })
  t.throws(() => new MessageScanner(line, null as never), { code: 'ERR_INVALID_ARG_TYPE', message: /"options"/ })
  for (const name of ['maxMessageLength', 'maxFrameLength']) {
    t.throws(() => new MessageScanner(line, { [name]: 0 }), { code: 'ERR_OUT_OF_RANGE', message: new RegExp(`options.${name}`) })
  }
  const scanner = new MessageScanner(line)
  t.throws(() => scanner.write('a' as never), { code: 'ERR_INVALID_ARG_TYPE' })
  scanner.end()
  t.throws(() => scanner.write(Buffer.from('a')), { code: 'ERR_INVALID_STATE' })
  t.equal(scanner.read(), null)
  t.end()
})
