// A message that is delivered in parts, and what waits to be encoded: neither loses its place.
import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { AsyncChat, type Codec, FramingError, MessageScanner, RespPiece, encoder, framed, httpChunked, lengthField, netstring, parseLength, resp, telnetLines, varintLength } from 'asynchat'
import t from 'tap'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const noEncoding = (): string => ''

const withHead: Codec<string> = {
  *decode(ctx) {
    const length = yield '\n'
    ctx.emit(`head ${String(length)}`)
    return `body ${String(yield Number(length))}`
  },
  encode: noEncoding,
}

const inPieces: Codec<string> = {
  *decode(ctx) {
    do ctx.emit(`+${String(yield { until: ';;', pieces: true })}`)
    while (ctx.ending === null)
    return 'end'
  },
  encode: noEncoding,
}

/** A message as text; parts begin with a plus. */
function shown(message: unknown): string {
  if (typeof message === 'string') return message
  if (message instanceof RespPiece) return `+${String(message.bytes)}`
  const { type, data } = message as { type?: string; data?: Uint8Array }
  return type === 'data' ? `+${String(data)}` : JSON.stringify(message)
}

/** Parts that are next to each other are one. */
function merged(messages: readonly unknown[]): string {
  return messages.map(shown).join('|').replaceAll(/(?<=\+[^|]*)\|\+/g, '')
}

/** What a channel reads, message by message, of input that comes in these parts. */
async function readAll(codec: Codec<any>, parts: readonly Buffer[]): Promise<unknown[]> {
  const [readable, writable] = [new PassThrough(), new PassThrough()]
  const messages: unknown[] = []
  const read = new Promise<void>((resolve, reject) => {
    void new AsyncChat({ readable, writable }, {
      async handleConnect() {
        for (let message; (message = await this.readMessage(codec)) !== null; ) messages.push(message)
        resolve()
      },
      handleError: reject,
    })
  })
  for (const part of parts) {
    readable.write(part)
    await turn()
  }
  readable.end()
  await read
  return messages
}

const cases: readonly [name: string, codec: () => Codec<any>, input: string, wanted: string][] = [
  ['a head, then a body', () => withHead, '3\nabc2\nxy', 'head 3|body abc|head 2|body xy'],
  ['pieces up to a delimiter', () => inPieces, 'abc;d;;;;x;;', '+abc;d|end|+|end|+x|end'],
  ['httpChunked', httpChunked, '5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n', '+helloabc|{"type":"end","trailers":[]}'],
  ['resp that streams', () => resp({ streamAbove: 2 }), '$4\r\nabcd\r\n+OK\r\n', '+abcd|{"length":4}|OK'],
  ['telnet commands', () => telnetLines({ commands: true }), 'he\xff\xf1llo\r\nyou\r\n', '{"command":241}|hello|you'],
]

for (const [name, codec, input, wanted] of cases) {
  t.test(`readMessage: goes on with a message of which parts were delivered: ${name}`, async (t) => {
    const all = bytes(input)
    t.equal(merged(await readAll(codec(), [all])), wanted, 'whole')
    t.equal(merged(await readAll(codec(), Array.from(all, (_, at) => all.subarray(at, at + 1)))), wanted, 'byte by byte')
    for (let cut = 1; cut < all.length; cut++) {
      t.equal(merged(await readAll(codec(), [all.subarray(0, cut), all.subarray(cut)])), wanted, `cut at ${cut}`)
    }
  })
}

t.test('readMessage: a body of a count above the limit of frames is read behind its head too', async (t) => {
  const length = 3 * 1024 * 1024
  const messages = await readAll(withHead, [bytes(`${length}\n`), Buffer.alloc(length, 'a')])
  t.same(messages.map((message) => (message as string).length), [`head ${length}`.length, 'body '.length + length])
})

t.test('readMessage: a read that is given up leaves the place, another kind of read ends the message', async (t) => {
  const [readable, writable] = [new PassThrough(), new PassThrough()]
  const told: unknown[] = []
  const read = new Promise<void>((resolve, reject) => {
    void new AsyncChat({ readable, writable }, {
      async handleConnect() {
        told.push(await this.readMessage(withHead))
        told.push(await this.readMessage(withHead, { timeout: 10 }).catch((error: FramingError) => error.code))
        readable.write('abc4\nWXYZ')
        told.push(await this.readMessage(withHead), await this.readMessage(withHead))
        told.push(String(await this.readFrame(2)))
        readable.write('\n1\n!')
        told.push(String(await this.readFrame('\n')), await this.readMessage(withHead), await this.readMessage(withHead))
        resolve()
      },
      handleError: reject,
    })
  })
  readable.write('3\n')
  await read
  t.same(told, ['head 3', 'ERR_FRAME_TIMEOUT', 'body abc', 'head 4', 'WX', 'YZ', 'head 1', 'body !'])
})

const tagged = (tag: string): Codec<never, string> => ({
  *decode() {
    yield 1
  },
  encode: (message) => `<${tag}${message.slice(0, 1)}>${'.'.repeat(message.length)}`,
})

const LONG = 100_000

t.test('setCodec: what was written before it is encoded by the codec of that time', async (t) => {
  const long = 'b'.repeat(LONG)
  const stream = encoder(tagged('A'))
  for (const message of ['a', long, 'c']) stream.write(message)
  stream.setCodec(tagged('X'))
  stream.setCodec(tagged('B'))
  stream.write('d')
  stream.end('e')
  t.equal((await stream.toArray()).join('').replaceAll('.', ''), '<Aa><Ab><Ac><Bd><Be>')

  const [readable, writable] = [new PassThrough(), new PassThrough()]
  const messages = framed({ readable, writable }, tagged('A'))
  messages.cork()
  messages.write('a')
  messages.setCodec(tagged('B'))
  messages.write('b')
  messages.uncork()
  messages.end()
  t.equal((await writable.toArray()).join('').replaceAll('.', ''), '<Aa><Bb>')
  readable.end()
  messages.destroy()
})

t.test('setCodec: a codec that is set as a message is encoded rules the next one', async (t) => {
  const stream = encoder(tagged('A'))
  stream.once('data', () => stream.setCodec(tagged('B')))
  let said = ''
  stream.on('data', (chunk) => (said += String(chunk)))
  await turn()
  for (const message of ['a', 'b']) stream.write(message)
  t.equal(said, '<Aa>.<Bb>.')
})

t.test('setCodec: a codec with a wrong terminator has no effect', (t) => {
  const scanner = new MessageScanner<unknown>(netstring())
  scanner.write(bytes('1:a,2:bc,'))
  t.equal(String(scanner.read()), 'a')
  t.throws(() => scanner.setCodec({ terminator: '', parse: () => 'wrong', encode: noEncoding }), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => scanner.setCodec({ terminator: {} as never, parse: () => 'wrong', encode: noEncoding }), {
    code: 'ERR_INVALID_ARG_TYPE',
    message: /codec\.terminator/,
  })
  t.equal(String(scanner.read()), 'bc')
  t.end()
})

t.test('encoder: a message that is made as it goes is made no faster than it is read, and released once', async (t) => {
  let [made, released] = [0, 0]
  const parts = (count: number): AsyncIterable<Buffer> => ({
    [Symbol.asyncIterator]: () => ({
      async next() {
        return made++ < count ? { done: false, value: Buffer.alloc(1000) } : { done: true, value: undefined }
      },
      async return() {
        released++
        throw new Error('concerns nobody')
      },
    }),
  })
  const codec: Codec<never, AsyncIterable<Buffer>> = {
    *decode() {
      yield 1
    },
    encode: (message) => message,
  }
  const unread = encoder(codec, { readableHighWaterMark: 3000 })
  unread.write(parts(1000))
  for (let round = 0; round < 50; round++) await turn()
  t.equal(made, 3)
  unread.destroy()
  await turn()
  t.equal(released, 1)

  made = 0
  released = 0
  const read = encoder(codec, { readableHighWaterMark: 3000 })
  read.end(parts(1000))
  let length = 0
  for await (const chunk of read) length += (chunk as Buffer).length
  t.equal(length, 1_000_000)
  t.equal(released, 0)
})

/** An encoder of one message, and how often its parts were released. */
function encoderOf(next: () => Promise<IteratorResult<string>>, canBeReleased = true) {
  const told = { released: 0 }
  const release = async (): Promise<IteratorResult<string>> => {
    told.released++
    return { done: true, value: undefined }
  }
  const iterator = canBeReleased ? { next, return: release } : { next }
  const stream = encoder<string>({
    *decode() {
      yield 1
      return ''
    },
    encode: () => ({ [Symbol.asyncIterator]: () => iterator }),
  })
  stream.write('a message')
  return { told, stream }
}

t.test('encoder: parts are released once, while one is awaited; what is over, or has failed, is not', async (t) => {
  const awaited = encoderOf(() => new Promise(() => {}))
  const over = encoderOf(async () => ({ done: true, value: undefined }))
  const failed = encoderOf(() => Promise.reject(new Error('failed')))
  failed.stream.on('error', () => {})
  const wrong = encoderOf(async () => ({ done: false, value: 5 as never }))
  wrong.stream.on('error', () => {})
  const left = encoderOf(() => new Promise(() => {}), false)
  const late = encoderOf(async () => {
    await turn()
    await turn()
    return { done: false, value: 'part' }
  })
  late.stream.destroy()
  for (let round = 0; round < 5; round++) await turn()
  for (const { stream } of [awaited, over, failed, wrong, left, late]) stream.destroy()
  for (let round = 0; round < 5; round++) await turn()
  t.same([awaited, over, failed, wrong, left, late].map(({ told }) => told.released), [1, 0, 0, 1, 0, 1])
})

t.test('encoder: a message that fails as it is made, or gives no bytes, is the error', async (t) => {
  const failing = encoder<string>({
    *decode() {
      yield 1
      return ''
    },
    async *encode(message: string) {
      yield 'part'
      if (message === 'fails') throw new Error('as it is made')
      yield 5 as never
    },
  })
  failing.end('fails')
  await t.rejects(failing.toArray(), { message: 'as it is made' })
  const wrong = encoder<string>({
    *decode() {
      yield 1
      return ''
    },
    async *encode() {
      yield 5 as never
    },
  })
  wrong.end('gives no bytes')
  await t.rejects(wrong.toArray(), { code: 'ERR_INVALID_ARG_TYPE' })
})

t.test('framed: a transport that gives no bytes destroys it', async (t) => {
  const readable = new PassThrough({ objectMode: true })
  const messages = framed({ readable, writable: new PassThrough() }, netstring())
  readable.write({ x: 1 })
  await t.rejects(messages.toArray(), { code: 'ERR_INVALID_ARG_TYPE', message: /what the transport gives/ })
})

t.test('a length in front has a limit of its own, however the input is cut', (t) => {
  for (const [codec, text] of [[lengthField({ width: 8 }), '\0\0\0\0\0\0\0\x02ab'], [varintLength(), '\x02ab']] as const) {
    for (const parts of [[text], text.split('')]) {
      const scanner = new MessageScanner(codec, { maxMessageLength: 1 })
      let read: Uint8Array | null = null
      for (const part of parts) {
        scanner.write(bytes(part))
        read ??= scanner.read()
      }
      t.equal(String(read), 'ab')
    }
  }
  t.end()
})

t.test('telnetLines: bytes are a Buffer when the chunks are, whatever they begin with', (t) => {
  for (const line of ['ab', '\xff\xffb', '\r\0x', '']) {
    const scanner = new MessageScanner(telnetLines({ encoding: null }))
    scanner.write(bytes(`${line}\r\n`))
    t.ok(Buffer.isBuffer(scanner.read()), JSON.stringify(line))
  }
  const scanner = new MessageScanner(telnetLines({ encoding: null }))
  scanner.write(Uint8Array.of(0xff, 0xff, 0x0d, 0x0a))
  t.notOk(Buffer.isBuffer(scanner.read()))
  t.end()
})

t.test('an error that is thrown again tells its message once; nothing emitted is no message', (t) => {
  const error = new FramingError('ERR_FRAME_MALFORMED', 'wrong')
  const scanner = new MessageScanner<string>({
    name: 'mine',
    *decode(ctx) {
      ctx.emit(undefined as never)
      if (String(yield 1) === 'x') throw error
      return 'fine'
    },
    encode: noEncoding,
  })
  scanner.write(bytes('ax'))
  t.equal(scanner.read(), 'fine')
  for (let round = 0; round < 2; round++) {
    t.throws(() => scanner.read(), { message: 'wrong (message 1 of mine, which begins at offset 1)', framesBefore: undefined })
    scanner.restart()
  }
  t.throws(() => parseLength(bytes('9007199254740993'), { max: Infinity }), { code: 'ERR_FRAME_TOO_LONG' })
  t.end()
})
