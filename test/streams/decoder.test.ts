import { Readable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import t from 'tap'
import { type Codec, Decoder, type DecoderOptions, decoder, lines, netstring } from '../../src/index.js'
import { closed, ended, listOf, turns, withinTurns } from '../support/consumers.js'
import { until } from '../support/until.js'

const line: Codec<string> = {
  *decode() {
    return String(yield '\n')
  },
  encode: (text) => `${text}\n`,
}

t.test('decoder: makes a Transform of messages', async (t) => {
  const stream = decoder(netstring())
  t.ok(stream instanceof Decoder)
  t.equal(stream.readableObjectMode, true)
  stream.end('5:hello,0:,3:you,')
  t.same((await listOf(stream)).map(String), ['hello', '', 'you'])
  const transform: Transform = decoder(line)
  const seen: string[] = []
  await pipeline(Readable.from([Buffer.from('a\nb'), Buffer.from('c\n')]), transform, async (source: AsyncIterable<string>) => {
    for await (const text of source) seen.push(text)
  })
  t.same(seen, ['a', 'bc'])
})

t.test('decoder: has a codec of its own for each stream of a source of them', async (t) => {
  let made = 0
  const numbered = (): Codec<string> => {
    made++
    let count = 0
    return { terminator: '\n', parse: (frame) => `${++count}${String(frame)}`, encode: () => '' }
  }
  for (let round = 0; round < 2; round++) {
    const stream = decoder(numbered)
    stream.end('a\nb\n')
    t.same(await listOf(stream), ['1a', '2b'])
  }
  t.equal(made, 2)
})

t.test('decoder: lets a codec that is set rule the byte after the last message', async (t) => {
  const stream = decoder<unknown>(line)
  stream.end('bytes\n3:a\nc,tail\n')
  const seen: unknown[] = []
  for await (const message of stream) {
    seen.push(String(message))
    stream.setCodec(seen.length === 1 ? netstring() : line)
  }
  t.same(seen, ['bytes', 'a\nc', 'tail'])
  t.throws(() => stream.setCodec({} as Codec<unknown>), { code: 'ERR_INVALID_ARG_TYPE' })
})

t.test('decoder: delivers what a codec set from outside makes of the bytes at hand', async (t) => {
  const stream = decoder<unknown>(line)
  const seen: unknown[] = []
  stream.on('data', (message) => seen.push(String(message)))
  stream.write('3:abc,')
  await turns(2)
  t.same([seen, stream.bufferedLength], [[], 6])
  stream.setCodec(netstring())
  await turns(2)
  t.same([seen, stream.bufferedLength], [['abc'], 0])
  stream.destroy()
})

t.test('decoder: is destroyed by what the peer did wrong, after the messages before it, and leaves its bytes', async (t) => {
  const stream = decoder(netstring())
  const seen: string[] = []
  let unread = ''
  stream.on('data', (message) => seen.push(String(message)))
  const error = new Promise((resolve) => {
    stream.on('error', (failure) => {
      unread = String(stream.takeUnread())
      resolve(failure)
    })
  })
  stream.write('1:a,x2:bc,')
  t.match(await withinTurns(error), { code: 'ERR_FRAME_MALFORMED', codec: 'netstring', messagesBefore: 1, offset: 4 })
  t.same([seen, unread], [['a'], 'x2:bc,'])
})

t.test('decoder: fails for a message that the end of input cuts', async (t) => {
  const stream = decoder(netstring())
  stream.end('1:a,2:b')
  await t.rejects(withinTurns(listOf(stream)), { code: 'ERR_FRAME_INCOMPLETE', messagesBefore: 1 })
})

t.test('decoder: fails for a message that is late', async (t) => {
  for (const codec of [line, lines({ ending: 'lf' })]) {
    const stream = decoder<unknown>(codec, { frameTimeout: 5 })
    const errors: unknown[] = []
    stream.on('error', (error) => errors.push(error))
    stream.on('data', () => {})
    stream.write('a\nb')
    await until('it is late', () => errors.length > 0)
    t.match(errors, [{ code: 'ERR_FRAME_TIMEOUT', limit: 5, offset: 2 }])
  }
})

t.test('decoder: gives the rest to another parser, and takes bytes back', async (t) => {
  const stream = decoder(netstring())
  stream.on('error', () => {})
  stream.write('1:a,2:b')
  t.equal(String(stream.read()), 'a')
  t.equal(stream.read(), null)
  t.equal(String(stream.takeUnread()), '2:b')
  t.equal(stream.bufferedLength, 0)
  stream.pushBack(Buffer.from('1:c'))
  stream.write(',')
  t.equal(String(stream.read()), 'c')
  stream.destroy()
  await closed(stream)
})

t.test('decoder: heeds its limits and options', async (t) => {
  const limited = decoder(line, { maxFrameLength: 3 })
  limited.end('abcd\n')
  await t.rejects(withinTurns(listOf(limited)), { code: 'ERR_FRAME_TOO_LONG' })
  const controller = new AbortController()
  const aborted = decoder(line, { signal: controller.signal })
  const end = ended(aborted)
  controller.abort()
  await t.rejects(withinTurns(end), { name: 'AbortError' })
  t.equal(decoder(line, { writableHighWaterMark: 7 }).writableHighWaterMark, 7)
  const wrongs: readonly [options: DecoderOptions | null, message: RegExp][] = [
    [null, /"options"/],
    [{ frameTimeout: -1 }, /options.frameTimeout/],
    [{ maxMessageLength: 0 }, /options.maxMessageLength/],
  ]
  for (const [options, message] of wrongs) t.throws(() => decoder(line, options as DecoderOptions), { message })
  t.throws(() => decoder({} as Codec<unknown>), { code: 'ERR_INVALID_ARG_TYPE' })
})

t.test('decoder: has the type of its messages', async (t) => {
  const stream = decoder(line)
  stream.end('a\n')
  for await (const message of stream) t.equal(message satisfies string, 'a')
  const bare: Decoder<Uint8Array> = decoder(netstring())
  t.ok(bare.destroy().destroyed)
})
