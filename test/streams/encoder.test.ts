import type { Transform } from 'node:stream'
import t from 'tap'
import { type Codec, Encoder, encoder, netstring } from '../../src/index.js'
import { checkedBuffer, encoded } from '../../src/streams/encoder.js'
import { closed, listOf, turns, withinTurns } from '../support/consumers.js'

type Encode = Codec<never, unknown>['encode']

function codecOf(encode: Encode): Codec<never, unknown> {
  return { terminator: '\n', parse: () => undefined, encode }
}

async function* later(...chunks: unknown[]): AsyncGenerator<never> {
  for (const chunk of chunks) {
    await turns(1)
    yield chunk as never
  }
}

const shapes: readonly [name: string, encode: Encode][] = [
  ['a string', () => 'é!'],
  ['bytes', () => Buffer.from('é!')],
  ['a plain Uint8Array', () => new Uint8Array(Buffer.from('é!'))],
  ['an ArrayBuffer', () => new Uint8Array(Buffer.from('é!')).buffer],
  ['a view of another kind', () => new DataView(new Uint8Array(Buffer.from('é!')).buffer)],
  ['an array', () => ['é', Buffer.from('!')]],
  [
    'a generator',
    function* () {
      yield 'é'
      yield Buffer.from('!')
    },
  ],
  ['an async generator', () => later('é', Buffer.from('!'))],
]

t.test('encoder: writes a message of many bytes in its parts', async (t) => {
  const large = Buffer.alloc(100_000, 'x')
  const stream = encoder(codecOf(() => ['<', large, '>']))
  stream.write(1)
  stream.end(2)
  const written = Buffer.concat((await withinTurns(listOf(stream))) as Buffer[])
  t.ok(written.equals(Buffer.from(`<${'x'.repeat(100_000)}>`.repeat(2))))
})

for (const [name, encode] of shapes) {
  t.test(`encoder: writes ${name}`, async (t) => {
    const stream = encoder(codecOf(encode))
    stream.write(1)
    stream.end(2)
    t.equal(Buffer.concat((await withinTurns(listOf(stream))) as Buffer[]).toString(), 'é!é!')
  })
}

t.test('encoder: is a Transform from messages to bytes', (t) => {
  const stream: Transform = encoder(netstring())
  t.ok(stream instanceof Encoder)
  t.same([stream.writableObjectMode, stream.readableObjectMode], [true, false])
  t.same([stream.writableHighWaterMark, stream.readableHighWaterMark], [16, 65_536])
  t.equal(encoder(netstring(), { writableHighWaterMark: 3 }).writableHighWaterMark, 3)
  stream.destroy()
  t.end()
})

t.test('encoder: writes nothing of a message that is refused, and is destroyed with the reason', async (t) => {
  const refusal = new TypeError('not this')
  const rows: readonly [name: string, encode: Encode, wanted: object][] = [
    [
      'throws',
      () => {
        throw refusal
      },
      refusal,
    ],
    [
      'throws in the middle',
      function* () {
        yield 'part'
        throw refusal
      },
      refusal,
    ],
    ['gives no bytes', () => 5 as never, { code: 'ERR_INVALID_ARG_TYPE', message: /"what a codec encodes to".*Received 5/ }],
    ['gives null', () => null as never, { code: 'ERR_INVALID_ARG_TYPE' }],
    ['gives a part that is no bytes', () => ['part', 5 as never], { code: 'ERR_INVALID_ARG_TYPE' }],
    ['gives what is no iterable', () => ({}) as never, { code: 'ERR_INVALID_ARG_TYPE' }],
  ]
  for (const [name, encode, wanted] of rows) {
    const stream = encoder<unknown>(codecOf((message) => (message === 'good' ? 'good' : encode(message))))
    let written = ''
    stream.on('data', (chunk) => (written += String(chunk)))
    const error = new Promise((resolve) => stream.on('error', resolve))
    stream.write('good')
    stream.write('bad')
    t.match(await withinTurns(error), wanted, name)
    t.equal(written, 'good', name)
  }
})

t.test('encoder: fails with what a message that is made as it goes fails with', async (t) => {
  for (const [given, wanted] of [[later('a', 5), { code: 'ERR_INVALID_ARG_TYPE' }], [failing(), { message: 'on the way' }]] as const) {
    const stream = encoder(codecOf(() => given))
    stream.on('data', () => {})
    const error = new Promise((resolve) => stream.on('error', resolve))
    stream.write(1)
    t.match(await withinTurns(error), wanted)
  }
})

async function* failing(): AsyncGenerator<string> {
  yield 'a'
  throw new Error('on the way')
}

t.test('encoder: asks for no more of a message when it is destroyed', async (t) => {
  let isDone = false
  let asked = 0
  async function* endless(): AsyncGenerator<string> {
    try {
      for (;;) {
        asked++
        yield 'a'
        await turns(1)
      }
    } finally {
      isDone = true
    }
  }
  const stream = encoder(codecOf(endless))
  stream.write(1)
  await turns(3)
  stream.destroy()
  await closed(stream)
  await turns(4)
  t.equal(isDone, true)
  const askedThen = asked
  await turns(4)
  t.equal(asked, askedThen)
})

t.test('encoder: lets a codec that is set encode what is written from then on', async (t) => {
  const stream = encoder<unknown>(codecOf((text) => `${String(text)};`))
  stream.write('a')
  stream.setCodec(() => codecOf((text) => `(${String(text)})`))
  stream.end('b')
  t.equal(Buffer.concat((await listOf(stream)) as Buffer[]).toString(), 'a;(b)')
  t.throws(() => stream.setCodec({} as Codec<never>), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => encoder({} as Codec<never>), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => encoder(netstring(), null as never), { code: 'ERR_INVALID_ARG_TYPE' })
})

t.test('encoded: is the whole message, or a way to it', (t) => {
  const whole = (...chunks: (string | Buffer)[]): string => (encoded(codecOf(() => chunks), 0) as Buffer).toString()
  t.same([whole('a', 'b'), whole('a', 'b', Buffer.from('c'), 'd', Buffer.from('e'), Buffer.from('f')), whole()], ['ab', 'abcdef', ''])
  const large = Buffer.alloc(65_536, 'x')
  const parts = encoded(codecOf(() => ['a', 'b', large, '\r\n']), 0) as Buffer[]
  t.same(parts.map(String), ['ab', String(large), '\r\n'])
  t.equal(parts[1], large, 'not copied')
  const source = later('a')
  t.equal(encoded(codecOf(() => source), 0), source)
  t.throws(() => checkedBuffer({}), { code: 'ERR_INVALID_ARG_TYPE' })
  t.end()
})
