import t from 'tap'
import { type Codec, type DecodeContext, EndOfInput, type SteppedCodec, type Terminator } from '../../src/framing/index.js'
import { FrameScanner } from '../../src/framing/frame-scanner.js'
import { MessageScanner, type MessageScannerOptions } from '../../src/framing/message-scanner.js'
import { cutsOf, told } from '../support/codecs.js'

type Decode = SteppedCodec<unknown>['decode']

function codecOf(decode: Decode): Codec<unknown> {
  return { decode, encode: () => '' }
}

/** As text a Buffer is what it says. */
function asBuffer({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length)
}

/** What came of it: the messages, then the error with its code, and all that was not delivered. */
function outcomeOf(decode: Decode, chunks: readonly Uint8Array[], options: MessageScannerOptions, isEnded: boolean): unknown[] {
  const scanner = new MessageScanner<unknown>(codecOf(decode), options)
  const messages: unknown[] = []
  let error = 'none'
  const drain = (): void => {
    for (let message; (message = scanner.read()) !== null; ) messages.push(told(message))
  }
  const left = chunks.map(asBuffer)
  try {
    for (let chunk; (chunk = left.shift()) !== undefined; ) {
      scanner.write(chunk)
      drain()
    }
    if (isEnded) scanner.end()
    drain()
  } catch (thrown) {
    const { code, message } = thrown as Error & { code?: string }
    error = `${code} ${message}`
  }
  for (const chunk of left) scanner.write(chunk)
  const { bufferedLength } = scanner
  const unread = scanner.takeUnread()
  return [messages, error, told(unread), bufferedLength === unread.length]
}

const line: Decode = function* () {
  return String(yield '\n')
}

interface Row {
  readonly name: string
  readonly decode: Decode
  readonly input: string
  readonly messages: readonly unknown[]
  readonly error?: RegExp
  /** What is not delivered. @defaultValue none */
  readonly unread?: string
  readonly options?: MessageScannerOptions
  readonly isEnded?: boolean
}

const rows: readonly Row[] = [
  { name: 'one frame a message', decode: line, input: 'a\n\nb\n', messages: ['a', '', 'b'] },
  {
    name: 'steps of every kind',
    *decode() {
      const length = Number(yield ':')
      const body = String(yield length)
      const end = String(yield [';', '\n'])
      return [body, end]
    },
    input: '2:ab;0:\n',
    messages: [
      ['ab', ''],
      ['', ''],
    ],
  },
  {
    name: 'the rest, of which the end of input makes a frame',
    *decode(ctx) {
      const head = String(yield ':')
      return [head, String(yield null), ctx.ending, ctx.offset, ctx.matched]
    },
    input: 'a:bc:d',
    messages: [['a', 'bc:d', 'eof', 2, 0]],
  },
  {
    name: 'an empty rest',
    *decode(ctx) {
      const head = String(yield ':')
      return [head, String(yield null), ctx.ending, ctx.offset]
    },
    input: 'a:',
    messages: [['a', '', 'eof', 2]],
  },
  {
    name: 'how each frame ended',
    *decode(ctx) {
      const seen: unknown[] = []
      for (const terminator of ['\n', ['.', ';'], 2, { until: '\n', maxFrameLength: 2, overflow: 'truncate' }] as Terminator[]) {
        seen.push(String(yield terminator), ctx.ending, ctx.matched, ctx.offset)
      }
      return seen
    },
    input: 'a\nb;cdefgh\n',
    messages: [['a', 'terminator', 0, 0, 'b', 'terminator', 1, 2, 'cd', 'count', 0, 4, 'ef', 'truncated', 0, 6]],
  },
  {
    name: 'no message of what returns undefined',
    *decode() {
      const text = String(yield '\n')
      return text === '' ? undefined : text
    },
    input: '\n\na\n\n',
    messages: ['a'],
  },
  {
    name: 'what is emitted, before what is returned',
    *decode(ctx) {
      for (const letter of String(yield '\n')) ctx.emit(letter)
      ctx.emit(`(${String(yield '\n')}`)
      return ')'
    },
    input: 'ab\nc\n\nd\n',
    messages: ['a', 'b', '(c', ')', '(d', ')'],
  },
  {
    name: 'what is emitted and nothing else',
    *decode(ctx) {
      ctx.emit(String(yield '\n'))
    },
    input: 'a\nb\n',
    messages: ['a', 'b'],
  },
  {
    name: 'what is emitted before an error',
    *decode(ctx) {
      ctx.emit(String(yield '\n'))
      throw new Error('no')
    },
    input: 'a\nb\n',
    messages: ['a'],
    error: /^ERR_FRAME_MALFORMED .*: no \(message 1, which begins at offset 0\)/,
    unread: 'b\n',
  },
  {
    name: 'a look ahead',
    *decode(ctx) {
      const kind = yield 1
      ctx.pushBack(kind)
      return String(kind) === '#' ? ['count', String(yield 3)] : ['line', String(yield '\n')]
    },
    input: '#abxy\n#cd',
    messages: [
      ['count', '#ab'],
      ['line', 'xy'],
      ['count', '#cd'],
    ],
  },
  {
    name: 'more looks ahead than there may be idle steps, each farther than the one before it',
    *decode(ctx) {
      for (let step = 0; step < 150; step++) ctx.pushBack((yield 2).subarray(1))
      return (yield 1).length
    },
    input: 'x'.repeat(151),
    messages: [1],
  },
  {
    name: 'a message within its limit, which counts what came again once',
    *decode(ctx) {
      const head = yield 3
      ctx.pushBack(head)
      return [String(yield 3), String(yield 1)]
    },
    input: 'abcd',
    options: { maxMessageLength: 4 },
    messages: [['abc', 'd']],
  },
  {
    name: 'a message whose frames are too long together',
    *decode() {
      yield '\n'
      return yield '\n'
    },
    input: 'ab\ncd\nef\ngh\n',
    options: { maxMessageLength: 3 },
    messages: [],
    error: /^ERR_FRAME_TOO_LONG .*limit is 3 bytes, it has at least 4 \(message 0/,
    unread: 'ab\ncd\nef\ngh\n',
  },
  {
    name: 'a count that would make it too long, before it is there',
    *decode() {
      yield 2
      return yield 1_000_000
    },
    input: 'abc',
    options: { maxMessageLength: 3 },
    messages: [],
    error: /^ERR_FRAME_TOO_LONG .*limit is 3 bytes, it has at least 1000002/,
    unread: 'abc',
  },
  {
    name: 'a rest that is too long',
    *decode() {
      return yield null
    },
    input: 'abcdef',
    options: { maxMessageLength: 3 },
    messages: [],
    error: /^ERR_FRAME_TOO_LONG .*limit is 3 bytes, it has at least 4/,
    unread: 'abcdef',
  },
  {
    name: 'a rest that is too long for its rule',
    *decode() {
      return yield { until: null, maxFrameLength: 3 }
    },
    input: 'abcdef',
    messages: [],
    error: /^ERR_FRAME_TOO_LONG .*limit is 3 bytes, it has at least 4/,
    unread: 'abcdef',
  },
  {
    name: 'limits of rules, which go before those of the scanner',
    *decode() {
      const all = [yield { until: '\n', maxFrameLength: 9 }, yield { until: 6, maxFrameLength: 6 }, yield { until: null, maxFrameLength: 6 }]
      return all.map(String)
    },
    input: 'abcdef\nghijklmnopqr',
    options: { maxMessageLength: 3, maxFrameLength: 3 },
    messages: [['abcdef', 'ghijkl', 'mnopqr']],
  },
  {
    name: 'a frame that is too long for the scanner',
    decode: line,
    input: 'a\nbcdef\n',
    options: { maxFrameLength: 3 },
    messages: ['a'],
    error: /^ERR_FRAME_TOO_LONG Frame at offset 2 is too long.*\(message 1, which begins at offset 2\)/,
    unread: 'bcdef\n',
  },
  {
    name: 'limits that begin anew with what is emitted',
    *decode(ctx) {
      for (;;) ctx.emit(String(yield 3))
    },
    input: 'abcdefghi',
    options: { maxMessageLength: 3 },
    messages: ['abc', 'def', 'ghi'],
    error: /^ERR_FRAME_INCOMPLETE Frame at offset 0/,
  },
  {
    name: 'an input that ends inside a message',
    *decode() {
      return [yield ':', yield '\n']
    },
    input: 'a:b\nc:d',
    messages: [['a', 'b']],
    error: /^ERR_FRAME_INCOMPLETE Frame at offset 4 is incomplete: the input ended after 3 bytes of it \(message 1/,
    unread: 'c:d',
  },
  {
    name: 'an input that ends before a frame',
    *decode() {
      return [yield ':', yield 2]
    },
    input: 'a:',
    messages: [],
    error: /^ERR_FRAME_INCOMPLETE .*after 2 bytes/,
    unread: 'a:',
  },
  {
    name: 'an end of input that the codec takes for an end',
    *decode() {
      let text = ''
      try {
        for (;;) text += String(yield ',')
      } catch (error) {
        return [text, told((error as EndOfInput).bytes), error instanceof EndOfInput]
      }
    },
    input: 'a,b,cd',
    messages: [['ab', 'cd', true]],
  },
  {
    name: 'an end of input that was taken, and again where more is asked for',
    *decode() {
      const ends: unknown[] = []
      while (ends.length < 3) {
        try {
          yield 5
        } catch (error) {
          ends.push(told((error as EndOfInput).bytes))
        }
      }
      return ends
    },
    input: 'ab',
    messages: [['ab', '', '']],
  },
  {
    name: 'one rest and no second one',
    *decode() {
      const first = String(yield null)
      try {
        return yield null
      } catch (error) {
        return [first, (error as Error).name]
      }
    },
    input: 'ab',
    messages: [['ab', 'EndOfInput']],
  },
  { name: 'a wait', decode: line, input: 'a\nbc', isEnded: false, messages: ['a'], unread: 'bc' },
  {
    name: 'a wait for the rest',
    *decode() {
      yield ';'
      return yield null
    },
    input: 'a;bc',
    isEnded: false,
    messages: [],
    unread: 'a;bc',
  },
  {
    name: 'a terminator that is none',
    *decode() {
      yield '\n'
      return yield -1
    },
    input: 'a\nb\n',
    messages: [],
    error: /^ERR_FRAME_MALFORMED .*"terminator that was yielded" argument must be a safe integer >= 0. Received -1/,
    unread: 'a\nb\n',
  },
  {
    name: 'a message that is null',
    *decode() {
      yield '\n'
      return null
    },
    input: 'a\nb\n',
    messages: [],
    error: /^ERR_FRAME_MALFORMED .*must not be null/,
    unread: 'a\nb\n',
  },
  {
    name: 'an emitted message that is null',
    *decode(ctx) {
      ctx.emit(yield '\n')
      yield '\n'
      ctx.emit(null)
    },
    input: 'a\nb\n',
    messages: ['a'],
    error: /^ERR_FRAME_MALFORMED .*must not be null/,
    unread: 'b\n',
  },
  {
    name: 'messages that consume nothing',
    *decode() {
      yield* []
      return 'x'
    },
    input: 'a',
    messages: Array.from({ length: 100 }, () => 'x'),
    error: /^ERR_NO_PROGRESS No progress at offset 0.*\(message 100/,
    unread: 'a',
  },
  {
    name: 'messages that put back all that they have read',
    *decode(ctx) {
      ctx.pushBack(yield 1)
      return 'x'
    },
    input: 'a',
    messages: Array.from({ length: 100 }, () => 'x'),
    error: /^ERR_NO_PROGRESS /,
    unread: 'a',
  },
  {
    name: 'no message for ever',
    *decode() {},
    input: 'a',
    messages: [],
    error: /^ERR_NO_PROGRESS /,
    unread: 'a',
  },
  {
    name: 'one byte that is put back for ever',
    *decode(ctx) {
      yield 1
      for (;;) ctx.pushBack(yield 1)
    },
    input: 'ab',
    messages: [],
    error: /^ERR_NO_PROGRESS No progress at offset 1/,
    unread: 'ab',
  },
  {
    name: 'empty frames for ever',
    *decode() {
      for (;;) {
        yield 0
        yield { until: 0 }
      }
    },
    input: 'ab',
    messages: [],
    error: /^ERR_NO_PROGRESS /,
    unread: 'ab',
  },
  {
    name: 'frames for ever after the end of input',
    *decode() {
      for (;;) {
        try {
          yield 5
        } catch {}
      }
    },
    input: 'ab',
    messages: [],
    error: /^ERR_NO_PROGRESS /,
    unread: 'ab',
  },
]

for (const { name, decode, input, messages, error, unread = '', options = {}, isEnded = true } of rows) {
  t.test(`MessageReader: reads ${name}, at every cut`, (t) => {
    for (const chunks of cutsOf(Buffer.from(input))) {
      const seen = outcomeOf(decode, chunks, options, isEnded)
      const wanted = [messages, error ?? 'none', unread, true]
      if (!t.match(seen, wanted, JSON.stringify(told(chunks))) || (seen[0] as unknown[]).length !== messages.length) {
        t.same(seen, wanted)
        break
      }
    }
    t.end()
  })
}

function* decodePieces(ctx: DecodeContext<unknown>): Generator<Terminator, unknown, Uint8Array> {
  let text = ''
  do text += `${String(yield { until: '\r\n', pieces: true })}|`
  while (ctx.ending === null)
  return [text, String(yield 2)]
}

t.test('MessageReader: gives a frame in pieces, and its end, with what ends it kept in case', (t) => {
  for (const chunks of cutsOf(Buffer.from('ab\rc\r\nxy'))) {
    const [messages] = outcomeOf(decodePieces, chunks, {}, true) as [[string, string][]]
    const [text, tail] = messages[0] as [string, string]
    t.same([text.replaceAll('|', ''), tail], ['ab\rc', 'xy'])
  }
  const scanner = new MessageScanner(codecOf(decodePieces))
  scanner.write(Buffer.from('ab\r\nx'))
  t.equal(scanner.read(), null)
  t.equal(scanner.bufferedLength, 5)
  t.equal(told(scanner.takeUnread()), 'ab\r\nx')
  t.end()
})

t.test('MessageReader: goes on with the rest of a frame in pieces when another rule is yielded', (t) => {
  const scanner = new MessageScanner(
    codecOf(function* () {
      return [String(yield { until: '\n', pieces: true }), String(yield { until: '\n', pieces: true }), String(yield 2)]
    }),
  )
  scanner.write(Buffer.from('ab'))
  t.equal(scanner.read(), null)
  scanner.write(Buffer.from('c'))
  t.equal(scanner.read(), null)
  scanner.write(Buffer.from('de\n'))
  t.same(scanner.read(), ['ab', 'c', 'de'])
  t.end()
})

t.test('MessageReader: under null in pieces gives what is there, and the end as an empty one, once', (t) => {
  const scanner = new MessageScanner(
    codecOf(function* (ctx) {
      for (;;) ctx.emit([String(yield { until: null, pieces: true, maxFrameLength: 4 }), ctx.ending])
    }),
  )
  for (const text of ['ab', 'cd']) {
    scanner.write(Buffer.from(text))
    t.same(scanner.read(), [text, null])
    t.equal(scanner.read(), null)
  }
  scanner.end()
  t.same(scanner.read(), ['', 'eof'])
  t.throws(() => scanner.read(), { code: 'ERR_FRAME_INCOMPLETE' })
  t.end()
})

t.test('MessageReader: keeps the limit of a rule in pieces under null', (t) => {
  const scanner = new MessageScanner(
    codecOf(function* (ctx) {
      for (;;) ctx.emit(String(yield { until: null, pieces: true, maxFrameLength: 3 }))
    }),
  )
  scanner.write(Buffer.from('ab'))
  t.equal(scanner.read(), 'ab')
  t.equal(scanner.read(), null)
  scanner.write(Buffer.from('cd'))
  t.throws(() => scanner.read(), { code: 'ERR_FRAME_TOO_LONG', limit: 3, length: 4 })
  t.end()
})

t.test('MessageReader: ends a generator that is given up, once, whatever its cleanup does', (t) => {
  const log: string[] = []
  const cleanups: readonly [name: string, cleanup: () => Generator<Terminator, void, Uint8Array>][] = [
    ['ends', function* () {}],
    [
      'throws',
      function* () {
        yield* []
        throw new Error('in cleanup')
      },
    ],
    [
      'goes on',
      function* () {
        for (;;) yield 1
      },
    ],
  ]
  for (const [name, cleanup] of cleanups) {
    const scanner = new MessageScanner(
      codecOf(function* () {
        try {
          yield '\n'
          return yield '\n'
        } finally {
          log.push(name)
          yield* cleanup()
        }
      }),
    )
    scanner.write(Buffer.from('a\nb'))
    t.equal(scanner.read(), null)
    t.equal(scanner.isInFrame, true)
    t.equal(told(scanner.takeUnread()), 'a\nb', name)
    t.equal(scanner.isInFrame, false)
    scanner.takeUnread()
    scanner.write(Buffer.from('c\n'))
    t.equal(scanner.read(), null, 'a message begins anew')
  }
  t.same(log, ['ends', 'throws', 'goes on'])
  t.end()
})

t.test('MessageReader: gives bytes back in the class in which they came', (t) => {
  const scanner = new MessageScanner(
    codecOf(function* () {
      yield '\n'
      return yield '\n'
    }),
  )
  for (const text of ['ab\n', 'c']) scanner.write(Buffer.from(text))
  t.equal(scanner.read(), null)
  scanner.setCodec(
    codecOf(function* () {
      return yield 3
    }),
  )
  t.ok(Buffer.isBuffer(scanner.read()))
  t.end()
})

t.test('MessageReader: keeps of a message that is too long for another codec only what goes on', (t) => {
  const scanner = new MessageScanner(
    codecOf(function* () {
      for (;;) yield { until: '\n', maxFrameLength: 100 }
    }),
    { maxMessageLength: 3 },
  )
  scanner.write(Buffer.from('abc\ndef\nghi'))
  t.equal(scanner.read(), null)
  t.equal(scanner.bufferedLength, 3)
  t.equal(told(scanner.takeUnread()), 'ghi')
  t.end()
})

t.test('MessageReader: has all bytes of a message of many frames, and forgets those that are put back', (t) => {
  const count = 200
  const scanner = new MessageScanner(
    codecOf(function* (ctx) {
      const frames: Uint8Array[] = []
      for (let index = 0; index < count; index++) frames.push(yield '\n')
      ctx.pushBack(Buffer.from('\n'))
      ctx.pushBack(frames.at(-1) as Uint8Array)
      for (const frame of frames.slice(120, -1).toReversed()) ctx.pushBack(Buffer.concat([frame, Buffer.from('\n')]))
      return [frames.length, yield ';']
    }),
  )
  const text = Array.from({ length: count }, (_, index) => `${index}\n`).join('')
  for (const chunk of [text, 'abc']) {
    scanner.write(Buffer.from(chunk))
    t.equal(scanner.read(), null)
  }
  t.equal(scanner.bufferedLength, text.length + 3)
  const unread = scanner.takeUnread()
  t.equal(told(unread), `${text}abc`)
  scanner.write(unread)
  scanner.write(Buffer.from(';'))
  t.match(told(scanner.read()), [count, /^120\n[^]*199\nabc$/])
  t.equal(scanner.bufferedLength, 0)
  t.end()
})

t.test('MessageReader: reads whole what a locator finds, and by the generator what it does not', (t) => {
  const read: string[] = []
  const codec: Codec<string> = {
    *decode() {
      const body = String(yield Number(yield 1))
      read.push(body)
      return body
    },
    locate(chunk, at, extent) {
      const length = Number(String.fromCharCode(chunk[at] as number))
      Object.assign(extent, { before: 1, length, after: 0 })
      return length !== 3
    },
    encode: (body) => `${body.length}${body}`,
  }
  const scanner = new MessageScanner<unknown>(codec)
  const messages: string[] = []
  for (const text of ['2ab3cde', '2fg2h', 'i']) {
    scanner.write(Buffer.from(text))
    for (let message; (message = scanner.read()) !== null; ) messages.push(told(message) as string)
  }
  t.same(messages, ['ab', 'cde', 'fg', 'hi'])
  t.same(read, ['cde', 'hi'])
  t.end()
})

t.test('MessageReader: takes what a codec reads whole, and has the generator read what it does not', (t) => {
  const read: string[] = []
  const codec: Codec<{ line: string }> = {
    *decode() {
      const line = String(yield '\n')
      read.push(line)
      return { line }
    },
    readWhole(chunk, at, extent) {
      const end = chunk.indexOf(10, at)
      extent.length = end + 1 - at
      return end === -1 ? undefined : { line: String(chunk.subarray(at, end)) }
    },
    encode: ({ line }) => `${line}\n`,
  }
  const scanner = new MessageScanner<unknown>(codec)
  const messages: unknown[] = []
  for (const text of ['a\nb\nc', 'd\n\n', 'e\n']) {
    scanner.write(Buffer.from(text))
    for (let message; (message = scanner.read()) !== null; ) messages.push(message)
  }
  t.same(messages, ['a', 'b', 'cd', '', 'e'].map((line) => ({ line })))
  t.same(read, ['cd'])
  t.equal(scanner.frameCount, 5)
  t.end()
})

t.test('MessageReader: reads counts from a scanner of other limits under its own', (t) => {
  const codec = codecOf(function* () {
    return String(yield 5)
  })
  const shared = new FrameScanner({ maxFrameLength: 4, rearmCount: false, tail: 'emit' })
  const scanner = new MessageScanner(codec, { maxMessageLength: 5 }, shared)
  scanner.restart()
  shared.write(Buffer.from('abcdefghij'))
  t.same([scanner.read(), scanner.read()], ['abcde', 'fghij'])
  t.end()
})

t.test('MessageReader: counts what the codec in work holds', (t) => {
  let held = -1
  const scanner: MessageScanner<unknown> = new MessageScanner(
    codecOf(function* () {
      yield '\n'
      held = scanner.bufferedLength
    }),
  )
  scanner.write(Buffer.from('abc\n'))
  t.equal(scanner.read(), null)
  t.equal(held, 3)
  t.end()
})

t.test('MessageReader: takes 100,000 steps without a growing stack, nested or flipping', (t) => {
  const count = 100_000
  const scanner = new MessageScanner(
    codecOf(function* (ctx) {
      for (let step = 0; step < count; step++) {
        const frame = yield step % 2 === 0 ? 1 : ';'
        if (step % 3 === 0) ctx.pushBack(frame)
        if (step % 3 === 0) yield 1
      }
      return 'done'
    }),
  )
  scanner.write(Buffer.from('a;'.repeat(count)))
  t.equal(scanner.read(), 'done')
  t.end()
})
