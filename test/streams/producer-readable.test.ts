import { Readable as NodeReadable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ReadableStream } from 'node:stream/web'
import t from 'tap'
import { type Chunk, type Producer, ProducerReadable, SimpleProducer, type Source } from '../../src/index.js'
import { closed, ended, turn, turns, withinTurns } from '../support/consumers.js'
import { resolvers } from '../support/resolvers.js'

type Callback = (error?: Error | null) => void

/** Callbacks that tell their name, and what they were called with. */
const told = (): { log: string[]; callback: (name: string) => Callback } => {
  const log: string[] = []
  return {
    log,
    callback: (name) => (...args) => {
      const [error] = args as [NodeJS.ErrnoException?]
      log.push(args.length === 0 ? name : `${name}: ${error?.code ?? error?.message}`)
    },
  }
}

/** All that comes, joined. */
const textOf = async (stream: ProducerReadable): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Buffer))
  return Buffer.concat(chunks).toString()
}

/** What these sources come to. */
const outputOf = async (...sources: Source[]): Promise<string> => {
  const stream = new ProducerReadable()
  for (const source of sources) stream.enqueue(source)
  stream.closeWhenDone()
  return withinTurns(textOf(stream))
}

const producerOf = (...answers: unknown[]): { more: () => never } => ({
  more: () => {
    const answer = answers.shift()
    return (typeof answer === 'function' ? answer() : answer) as never
  },
})

/** Runs until nothing comes any more; what it gives are the chunks as text. */
const drain = async (stream: ProducerReadable): Promise<string[]> => {
  const chunks: string[] = []
  stream.on('data', (chunk) => chunks.push(String(chunk)))
  await turns(10)
  return chunks
}

const boom = (): never => {
  throw new Error('boom')
}

// -- sources -----------------------------------------------------------------

async function* asyncly<T>(...values: T[]): AsyncGenerator<T> {
  yield* values
}

const kinds: readonly [name: string, source: () => Source, want: string][] = [
  ['a string', () => 'a€', 'a€'],
  ['an empty string', () => '', ''],
  ['a Buffer', () => Buffer.from('ab'), 'ab'],
  ['O38 a Uint8Array', () => Uint8Array.of(97, 98), 'ab'],
  ['O09 a view of 32-bit numbers, by its bytes', () => Uint32Array.of(0x61616161, 0x62626262), 'aaaabbbb'],
  ['a DataView', () => new DataView(Uint8Array.of(97, 98).buffer, 1), 'b'],
  ['an ArrayBuffer', () => Uint8Array.of(97).buffer, 'a'],
  ['a producer', () => producerOf('a', Buffer.from('b'), null), 'ab'],
  ['a producer that promises', () => producerOf(Promise.resolve('a'), 'b', Promise.resolve(Uint8Array.of(99)), Promise.resolve(null)), 'abc'],
  ['a SimpleProducer', () => new SimpleProducer('abcdef', 4), 'abcdef'],
  ['O46 a producer with a length of 0', () => Object.assign(producerOf('a', 'b'), { length: 0 }), 'ab'],
  ['O47 O48 the same that ends at once', () => Object.assign(producerOf(''), { length: 0 }), ''],
  ['O39 nested producers', () => producerOf('a', producerOf('b', producerOf('c'), 'd'), 'e'), 'abcde'],
  ['a promise of a nested producer', () => producerOf(Promise.resolve(producerOf('a', 'b')), 'c'), 'abc'],
  ['a function', () => producerOf('a', 'b').more, 'ab'],
  ['an async function', () => {
    const rest = ['a', 'b']
    return async () => rest.shift()
  }, 'ab'],
  ['an array, empty chunks in it', () => ['a', '', Buffer.alloc(0), 'b'], 'ab'],
  ['an empty array', () => [], ''],
  ['a generator of chunks and producers', () => (function* (): Generator<Chunk | SimpleProducer> {
    yield 'a'
    yield new SimpleProducer('bcd', 2)
    yield Uint8Array.of(101)
  })(), 'abcde'],
  ['an async generator', () => asyncly<Chunk | Producer>('a', '', producerOf('b'), 'c'), 'abc'],
  ["a Readable of Node's", () => NodeReadable.from([Buffer.from('a'), Buffer.from('b')]), 'ab'],
  ['a Readable in object mode', () => NodeReadable.from(['a', '', Uint16Array.of(0x6262), 'c']), 'abbc'],
  ['another ProducerReadable', () => {
    const inner = new ProducerReadable()
    inner.enqueue('ab')
    inner.enqueue(['c'])
    inner.closeWhenDone()
    return inner
  }, 'abc'],
  ['a ReadableStream', () => new Blob(['ab', 'c']).stream(), 'abc'],
  ['a Blob', () => new Blob(['abc']), 'abc'],
]

for (const [name, source, want] of kinds) {
  t.test(`ProducerReadable: takes ${name}`, async (t) => {
    t.equal(await outputOf(source()), want)
    t.equal(await outputOf('<', source(), '|', source(), '>'), `<${want}|${want}>`, 'between others')
    const { log, callback } = told()
    const stream = new ProducerReadable()
    stream.enqueue(source(), callback('it'))
    stream.closeWhenDone()
    await withinTurns(textOf(stream))
    await turn()
    t.same([log, stream.pending, stream.queuedLength], [['it'], 0, 0])
  })
}

t.test('ProducerReadable: O06 O13 O42 refuses what is no source, and enqueues nothing', async (t) => {
  const stream = new ProducerReadable()
  for (const source of [null, undefined, 5, 0, false, true, 5n, Symbol('s'), {}, { more: 'data' }, new Date(), Promise.resolve('a'), new Writable()]) {
    t.throws(() => stream.enqueue(source as never, () => t.fail('called back')), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: /^The "source" argument/ })
  }
  t.same([stream.pending, stream.queuedLength], [0, 0])
  stream.enqueue('a')
  stream.closeWhenDone()
  t.equal(await textOf(stream), 'a')
})

t.test('ProducerReadable: refuses a callback that is no function, and enqueues nothing', async (t) => {
  const stream = new ProducerReadable()
  for (const callback of [null, 5, 'utf8', {}]) {
    t.throws(() => stream.enqueue('a', callback as never), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: /^The "callback" argument/ })
  }
  t.equal(stream.pending, 0)
  stream.enqueue('a', undefined)
  t.equal(stream.pending, 1)
})

t.test('ProducerReadable: refuses streams that nothing can be had from', async (t) => {
  const stream = new ProducerReadable()
  const destroyed = new NodeReadable().destroy()
  const locked = new ReadableStream()
  locked.getReader()
  for (const source of [destroyed, locked]) t.throws(() => stream.enqueue(source), { code: 'ERR_INVALID_ARG_TYPE' })
  const web = new Blob(['a']).stream()
  stream.enqueue(web)
  t.throws(() => stream.enqueue(web), { code: 'ERR_INVALID_ARG_TYPE' }, 'the same one again')
})

t.test('ProducerReadable: refuses wrong options', async (t) => {
  for (const highWaterMark of [0, -1, 1.5, Number.NaN, Infinity]) {
    t.throws(() => new ProducerReadable({ highWaterMark }), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE', message: /"options.highWaterMark"/ })
  }
  for (const highWaterMark of ['5', null, 5n]) {
    t.throws(() => new ProducerReadable({ highWaterMark: highWaterMark as never }), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
  }
  for (const options of [null, 5, []]) t.throws(() => new ProducerReadable(options as never), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => new ProducerReadable({ signal: {} as never }), { code: 'ERR_INVALID_ARG_TYPE' })
  t.equal(new ProducerReadable().readableHighWaterMark, 65_536)
  t.equal(new ProducerReadable({ highWaterMark: 1 }).readableHighWaterMark, 1)
})

// -- order, demand and coalescing --------------------------------------------

t.test('ProducerReadable: O33 O14 sends what was enqueued in that order, and then ends', async (t) => {
  t.equal(await outputOf(producerOf('A1', 'A2'), producerOf('B1'), 'c'), 'A1A2B1c')
})

t.test('ProducerReadable: O10 O11 sends nothing for nothing', async (t) => {
  const stream = new ProducerReadable()
  const { log, callback } = told()
  const chunks = await drain(stream)
  stream.enqueue('', callback('empty'))
  await turn()
  t.same([log, chunks], [['empty'], []])
  stream.enqueue('a', callback('a'))
  stream.enqueue(Buffer.alloc(0), callback('none'))
  stream.enqueue('b', callback('b'))
  await turn()
  t.same([log.slice(1), chunks], [['a', 'none', 'b'], ['ab']])
})

t.test('ProducerReadable: O30 pulls a producer on demand only', async (t) => {
  let count = 0
  const stream = new ProducerReadable({ highWaterMark: 4 })
  stream.enqueue(() => (count++ < 1000 ? 'ab' : null))
  await turns(3)
  t.equal(count, 0, 'nobody asked')
  t.equal(String(stream.read(2)), 'ab')
  await turns(3)
  t.ok(count <= 7, `${count} pieces of 2 bytes: two taken, two high-water marks made ahead, one more looked at`)
})

t.test('ProducerReadable: O31 O32 goes past sources that end at once', async (t) => {
  t.equal(await outputOf(producerOf(null), 'a', producerOf(undefined), producerOf(''), 'b', producerOf(null)), 'ab')
})

t.test('ProducerReadable: O34 O35 does not pull ahead of a consumer that is slow', async (t) => {
  const SIZE = 1024
  const COUNT = 100 * 1024
  const piece = Buffer.alloc(SIZE)
  for (const [name, source] of [
    ['sync', (pulled: { count: number }) => ({ more: () => (pulled.count < COUNT ? (pulled.count++, piece) : null) })],
    ['generator', function* (pulled: { count: number }) {
      for (; pulled.count < COUNT; pulled.count++) yield piece
    }],
    ['async', (pulled: { count: number }) => ({ more: async () => (pulled.count < COUNT ? (pulled.count++, piece) : null) })],
  ] as [string, (pulled: { count: number }) => Source][]) {
    const pulled = { count: 0 }
    let taken = 0
    let worst = 0
    const stream = new ProducerReadable()
    stream.enqueue(source(pulled))
    stream.closeWhenDone()
    await pipeline(stream, new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        taken += chunk.length
        worst = Math.max(worst, pulled.count * SIZE - taken)
        setImmediate(done)
      },
    }))
    t.equal(taken, COUNT * SIZE, `${name}: 100 MiB`)
    t.ok(worst <= 3 * 65_536, `${name}: ${worst} bytes ahead`)
  }
})

const MANY = 100_000

t.test('ProducerReadable: joins small pieces, however it is consumed', async (t) => {
  const piece = 'x'.repeat(32)
  const consume: Record<string, (stream: ProducerReadable, onChunk: (chunk: Buffer) => void) => void> = {
    "'data', attached early": (stream, onChunk) => stream.on('data', onChunk),
    "'data', attached late": (stream, onChunk) => setImmediate(() => stream.on('data', onChunk)),
    'readable and read()': (stream, onChunk) => stream.on('readable', () => {
      for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) onChunk(chunk as Buffer)
    }),
    'read() alone': (stream, onChunk) => process.nextTick(() => {
      for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) onChunk(chunk as Buffer)
    }),
    pipe: (stream, onChunk) => stream.pipe(new Writable({ write: (chunk, _, done) => (onChunk(chunk as Buffer), done()) })),
    'for await': (stream, onChunk) => void (async () => {
      for await (const chunk of stream) onChunk(chunk as Buffer)
    })(),
  }
  const fill: Record<string, (stream: ProducerReadable) => void> = {
    enqueued: (stream) => {
      for (let i = 0; i < MANY; i++) stream.enqueue(piece)
    },
    'from one producer': (stream) => {
      let i = 0
      stream.enqueue(() => (i++ < MANY ? piece : null))
    },
    'from an iterable': (stream) => void stream.enqueue(Array.from({ length: MANY }, () => piece)),
  }
  for (const [way, filling] of Object.entries(fill)) {
    for (const [name, consumer] of Object.entries(consume)) {
      const stream = new ProducerReadable()
      let chunkCount = 0
      let length = 0
      consumer(stream, (chunk) => {
        chunkCount++
        length += chunk.length
      })
      filling(stream)
      await new Promise((resolve) => stream.once('drained', resolve))
      t.equal(length, MANY * 32)
      t.ok(chunkCount <= 50, `${way}, ${name}: ${chunkCount} chunks`)
    }
  }
})

t.test('ProducerReadable: joins up to the high-water mark, and no further', async (t) => {
  const stream = new ProducerReadable({ highWaterMark: 8 })
  for (const source of ['abc', 'def', 'gh', 'ij', 'klmnopqrstuv', 'w', 'x']) stream.enqueue(source)
  t.same(await drain(stream), ['abcdefgh', 'ij', 'klmnopqrstuv', 'wx'])
})

t.test('ProducerReadable: passes on large views uncopied, and in one piece', async (t) => {
  const large = Buffer.alloc(100_000, 'l')
  const medium = new Uint8Array(8192).fill(109)
  const stream = new ProducerReadable()
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  for (const source of ['a', large, 'b', 'c', [medium, 'd'], large.buffer]) stream.enqueue(source)
  await turns(10)
  t.same(chunks.map(({ length }) => length), [1, 100_000, 2, 8192, 1, large.buffer.byteLength])
  for (const [index, { buffer }] of [[1, large], [3, medium], [5, large]] as const) t.equal(chunks[index]?.buffer, buffer)
})

t.test('ProducerReadable: holds no byte back while a source has nothing', async (t) => {
  const never = new Promise<never>(() => {})
  const waiting: Record<string, Source> = {
    producer: { more: () => never },
    'producer that began': producerOf('!', never),
    'async iterable': { [Symbol.asyncIterator]: () => ({ next: () => never }) },
    Readable: new NodeReadable({ read: () => {} }),
    ReadableStream: new ReadableStream(),
    nested: producerOf('!', producerOf(never)),
  }
  for (const [name, source] of Object.entries(waiting)) {
    const stream = new ProducerReadable()
    stream.enqueue('a')
    stream.enqueue('b')
    stream.enqueue(source)
    stream.enqueue('never')
    t.match(await drain(stream), [/^ab!?$/], name)
    stream.destroy()
  }
})

t.test('ProducerReadable: gives a read() at once what was enqueued before it', async (t) => {
  const stream = new ProducerReadable()
  t.equal(stream.read(), null)
  stream.enqueue('a')
  t.equal(String(stream.read()), 'a', 'though the demand is older')
  t.equal(stream.read(), null)
})

t.test('ProducerReadable: does not call out of enqueue()', async (t) => {
  const stream = new ProducerReadable()
  const chunks = await drain(stream)
  stream.enqueue(() => t.fail('pulled') as never)
  stream.discard()
  stream.enqueue('a')
  t.same(chunks, [])
  await turn()
  t.same(chunks, ['a'])
})

// -- from inside a source ----------------------------------------------------

t.test('ProducerReadable: O50 a source enqueued inside more() goes to the end', async (t) => {
  const stream = new ProducerReadable()
  stream.enqueue(producerOf(() => {
    stream.enqueue('p2')
    return 'p1'
  }, 'p1b'))
  stream.enqueue('other')
  t.same(await drain(stream), ['p1p1botherp2'])
})

t.test('ProducerReadable: O52 O52b a producer may enqueue and be exhausted', async (t) => {
  const stream = new ProducerReadable()
  stream.enqueue(producerOf(() => {
    stream.enqueue('X')
    stream.enqueue('Y')
    return null
  }))
  stream.enqueue('Z')
  t.same(await drain(stream), ['ZXY'])
})

t.test('ProducerReadable: O53 100,000 sources enqueued from inside more() use no stack', async (t) => {
  const stream = new ProducerReadable()
  let count = 0
  const next = (): Source => ({ more: () => (count++ < MANY ? (stream.enqueue(next()), null) : null) })
  stream.enqueue(next())
  let pushes = 0
  stream.enqueue(() => {
    if (pushes++ === MANY) return null
    stream.enqueue('y')
    return 'x'
  })
  const text = (await drain(stream)).join('')
  t.same([text.length, text.lastIndexOf('x'), stream.pending], [2 * MANY, MANY - 1, 0])
})

t.test('ProducerReadable: 100,000 sources that end at once, and 100,000 nested ones, use no stack', async (t) => {
  const stream = new ProducerReadable()
  let callbackCount = 0
  for (let i = 0; i < MANY; i++) stream.enqueue(i % 2 === 0 ? () => null : [], () => callbackCount++)
  let depth = 0
  const deeper = (): Source => producerOf(() => (depth++ < MANY ? deeper() : 'bottom'), 'x')
  stream.enqueue(deeper())
  stream.closeWhenDone()
  const text = await textOf(stream)
  t.same([text.length, text.startsWith('bottomx'), callbackCount], [6 + MANY + 1, true, MANY])
})

t.test('ProducerReadable: O54 discard() inside more() drops that source too', async (t) => {
  for (const last of [null, 'dropped', Promise.resolve('dropped'), Promise.resolve(null)]) {
    const stream = new ProducerReadable()
    const { log, callback } = told()
    const producer = producerOf('a', () => {
      stream.discard()
      stream.enqueue('new', callback('new'))
      return last
    }, 'never')
    let returns = 0
    stream.enqueue({ ...producer, return: () => returns++ }, callback('producer'))
    stream.enqueue('dropped', callback('dropped'))
    t.equal((await drain(stream)).join(''), 'anew')
    t.same(log, ['producer: ERR_DISCARDED', 'dropped: ERR_DISCARDED', 'new'])
    t.equal(returns, 1)
  }
})

t.test('ProducerReadable: O55 destroy() inside more() stops it', async (t) => {
  const stream = new ProducerReadable()
  const { log, callback } = told()
  let returns = 0
  stream.enqueue('before', callback('before'))
  stream.enqueue({ ...producerOf(() => {
    stream.destroy()
    return 'never'
  }), return: () => returns++ }, callback('producer'))
  t.same(await drain(stream), [])
  t.same([log, returns], [['before: ERR_CHANNEL_CLOSED', 'producer: ERR_CHANNEL_CLOSED'], 1])
})

t.test('ProducerReadable: O56 closeWhenDone() inside more() ends after all that is queued', async (t) => {
  const stream = new ProducerReadable()
  stream.enqueue(producerOf(() => {
    stream.closeWhenDone()
    t.throws(() => stream.enqueue('late'), { code: 'ERR_CHANNEL_CLOSED' })
    return 'a'
  }, 'b'))
  stream.enqueue('c')
  t.equal(await withinTurns(textOf(stream)), 'abc')
  const last = new ProducerReadable()
  last.enqueue(producerOf('a', () => {
    last.closeWhenDone()
    return null
  }))
  t.equal(await withinTurns(textOf(last)), 'a', 'when it is exhausted with that')
})

t.test('ProducerReadable: read() inside more() is no re-entry', async (t) => {
  const stream = new ProducerReadable()
  let depth = 0
  stream.enqueue(producerOf(() => {
    t.equal(depth++, 0)
    stream.read()
    depth--
    return 'a'
  }, () => {
    t.equal(depth, 0)
    stream.read(0)
    return 'b'
  }))
  t.same(await drain(stream), ['ab'])
})

t.test("ProducerReadable: O57 O58 a consumer may enqueue, discard and read inside 'data'", async (t) => {
  const stream = new ProducerReadable({ highWaterMark: 2 })
  const { log, callback } = told()
  const chunks: string[] = []
  stream.on('data', (chunk) => {
    chunks.push(String(chunk))
    if (String(chunk) === 'a1') stream.enqueue('b1', callback('b1'))
    if (String(chunk) === 'a2') stream.discard()
    if (String(chunk) === 'a2') stream.enqueue('c1', callback('c1'))
    if (String(chunk) === 'c1') stream.read()
  })
  stream.enqueue('a1', callback('a1'))
  stream.enqueue('a2', callback('a2'))
  stream.enqueue('a3', callback('a3'))
  await turns(10)
  t.equal(chunks[0], 'a1')
  t.equal(chunks.filter((chunk) => chunk === 'a2').length, 1, 'nothing is sent twice')
  t.equal(chunks.at(-1), 'c1')
  t.same(log.map((line) => line.slice(0, 2)), ['a1', 'a2', 'a3', 'b1', 'c1'])
})

t.test("ProducerReadable: read() inside 'data', and inside more() after an enqueue(), is no re-entry", async (t) => {
  const stream = new ProducerReadable({ highWaterMark: 1 })
  const chunks: string[] = []
  stream.on('data', (chunk) => {
    chunks.push(String(chunk))
    stream.read()
  })
  await turns(3)
  for (const source of ['a', 'b', producerOf(() => {
    stream.enqueue('e')
    stream.read()
    return 'c'
  }, 'd')]) stream.enqueue(source)
  await turns(10)
  t.equal(chunks.join(''), 'abcde')
})

// -- errors ------------------------------------------------------------------

const failing: readonly [name: string, source: () => Source, want: object][] = [
  ['O44 O45 a producer that throws', () => producerOf('x', boom), { message: 'boom' }],
  ['a producer that rejects', () => producerOf('x', () => Promise.reject(new Error('boom'))), { message: 'boom' }],
  ['a nested producer that throws', () => producerOf('x', producerOf(boom)), { message: 'boom' }],
  ['a function that throws', () => producerOf('x', boom).more, { message: 'boom' }],
  ['an iterable that throws', () => (function* (): Generator<string> {
    yield 'x'
    boom()
  })(), { message: 'boom' }],
  ['an async iterable that throws', () => (async function* (): AsyncGenerator<string> {
    yield 'x'
    boom()
  })(), { message: 'boom' }],
  ['O41 a producer of a number', () => producerOf('x', 5), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: /Received 5$/ }],
  ['O37 a producer of an array', () => producerOf('x', [97]), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }],
  ['O36 a producer of false', () => producerOf('x', false), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }],
  ['O36 a producer of 0', () => producerOf('x', Promise.resolve(0)), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }],
  ['an iterable of null', () => ['x', null] as never, { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }],
  ['an async iterable of undefined', () => asyncly('x', undefined) as never, { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }],
  ['an iterator of no results', () => {
    const rest = [{ done: false, value: 'x' }, 5]
    return { [Symbol.iterator]: () => ({ next: () => rest.shift() }) } as never
  }, { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }],
  ['a Readable of objects', () => NodeReadable.from(['x', {}]), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }],
  ['a Readable that fails', () => NodeReadable.from((function* () {
    yield 'x'
    boom()
  })()), { message: 'boom' }],
  ['a ReadableStream that fails', () => {
    const rest = ['x']
    return new ReadableStream({ pull: (controller) => (rest.length > 0 ? controller.enqueue(rest.pop()) : controller.error(new Error('boom'))) }, { highWaterMark: 0 })
  }, { message: 'boom' }],
]

for (const [name, source, want] of failing) {
  t.test(`ProducerReadable: fails with the error of ${name}, after the bytes before it`, async (t) => {
    const stream = new ProducerReadable()
    const { log, callback } = told()
    let returns = 0
    stream.enqueue('a', callback('a'))
    stream.enqueue(source(), callback('failing'))
    stream.enqueue({ more: () => t.fail('pulled') as never, return: () => returns++ }, callback('after'))
    let text = ''
    await t.rejects(withinTurns((async () => {
      for await (const chunk of stream) text += String(chunk)
    })()), want as Error)
    t.equal(text, 'ax')
    await turn()
    t.match(log, ['a', /^failing: (boom|ERR_INVALID_ARG_TYPE)$/, /^after: (boom|ERR_INVALID_ARG_TYPE)$/])
    t.same([returns, stream.pending], [1, 0])
  })
}

t.test('ProducerReadable: fails with what is thrown, an error about it if it is none', async (t) => {
  const original = new Error('original')
  for (const [thrown, check] of [
    [original, (error: Error) => error === original],
    ['text', (error: Error) => error instanceof Error && error.cause === 'text'],
    [undefined, (error: Error) => error instanceof Error && error.cause === undefined],
  ] as const) {
    const stream = new ProducerReadable()
    const errors: Error[] = []
    stream.on('error', (error) => errors.push(error))
    stream.enqueue(() => Promise.reject(thrown), (error) => errors.push(error as Error))
    stream.resume()
    await closed(stream)
    await turn()
    t.equal(errors.length, 2)
    t.ok(errors.every(check))
  }
})

t.test('ProducerReadable: keeps a failure until the bytes before it were taken', async (t) => {
  const stream = new ProducerReadable()
  stream.on('error', () => {})
  stream.enqueue('abc')
  stream.enqueue(boom)
  t.equal(String(stream.read(2)), 'ab')
  await turns(3)
  t.equal(stream.destroyed, false)
  t.equal(String(stream.read(1)), 'c')
  t.equal(stream.destroyed, true)
})

t.test('ProducerReadable: fails when more is asked for than there is before the failure', async (t) => {
  const stream = new ProducerReadable()
  const { log, callback } = told()
  stream.on('error', () => {})
  stream.enqueue('abc', callback('abc'))
  stream.enqueue(boom)
  t.equal(stream.read(5), null)
  t.equal(stream.destroyed, true)
  await turn()
  t.same(log, ['abc: boom'], 'the bytes were never taken')
})

t.test('ProducerReadable: keeps the error of a Readable for its turn', async (t) => {
  const stream = new ProducerReadable()
  const early = new NodeReadable({ read: () => {} })
  const { promise, resolve } = resolvers()
  const { log, callback } = told()
  stream.enqueue(producerOf(promise), callback('first'))
  stream.enqueue(early, callback('early'))
  const chunks: string[] = []
  stream.on('data', (chunk) => chunks.push(String(chunk))).on('error', ({ message }) => log.push(`error: ${message}`))
  early.destroy(new Error('early'))
  await turns(5)
  t.same([chunks, log, stream.destroyed], [[], [], false])
  resolve(producerOf('late'))
  await turns(5)
  t.same(chunks, ['late'])
  t.same(log.toSorted(), ['early: early', 'error: early', 'first'])
  t.ok(log.indexOf('first') < log.indexOf('early: early'))
})

t.test('ProducerReadable: discard() takes back a failure whose turn has not come', async (t) => {
  const stream = new ProducerReadable()
  const { log, callback } = told()
  stream.enqueue('abc', callback('abc'))
  stream.enqueue(boom, callback('failing'))
  t.equal(String(stream.read(1)), 'a')
  stream.discard()
  stream.enqueue('def', callback('def'))
  stream.closeWhenDone()
  t.equal(await textOf(stream), 'bcdef')
  t.same(log, ['abc', 'failing: ERR_DISCARDED', 'def'])
})

// -- callbacks ---------------------------------------------------------------

t.test('ProducerReadable: calls back when the last byte has left, not when it is pushed', async (t) => {
  const stream = new ProducerReadable()
  const { log, callback } = told()
  stream.enqueue('abc', callback('abc'))
  stream.enqueue(producerOf('de', 'f'), callback('def'))
  stream.read(0)
  await turns(3)
  t.same([log, stream.readableLength, stream.pending], [[], 6, 0], 'all is in the buffer of the stream')
  stream.read(2)
  await turn()
  t.same(log, [])
  stream.read(1)
  t.same(log, [], 'never from inside a call')
  await turn()
  t.same(log, ['abc'])
  stream.read(2)
  await turn()
  t.same(log, ['abc'])
  stream.read(1)
  await turn()
  t.same(log, ['abc', 'def'])
})

t.test('ProducerReadable: calls back in every way of consuming', async (t) => {
  const consume: Record<string, (stream: ProducerReadable) => Promise<unknown>> = {
    "'data'": (stream) => ended(stream.on('data', () => {})),
    'resume()': (stream) => ended(stream.resume()),
    'for await': textOf,
    pipe: (stream) => ended(stream.on('end', () => {}) && stream.pipe(new Writable({ write: (_, __, done) => done() })) && stream),
    pipeline: (stream) => pipeline(stream, async function (chunks: AsyncIterable<Buffer>) {
      for await (const _ of chunks);
    }),
    toWeb: async (stream) => {
      for await (const _ of NodeReadable.toWeb(stream));
    },
    'an encoding': (stream) => textOf(stream.setEncoding('hex')),
    'bytes one by one': (stream) => ended(stream.on('readable', () => {
      while (stream.read(1) !== null);
    })),
  }
  for (const [name, consumer] of Object.entries(consume)) {
    const stream = new ProducerReadable({ highWaterMark: 4 })
    const { log, callback } = told()
    const names = Array.from({ length: 20 }, (_, i) => `#${i}`)
    for (const [i, one] of names.entries()) stream.enqueue(i % 3 === 0 ? producerOf('ab', Promise.resolve('c')) : 'abcdef'.slice(i % 5), callback(one))
    stream.closeWhenDone()
    await withinTurns(consumer(stream))
    await turn()
    t.same(log, names, name)
  }
})

t.test('ProducerReadable: with an encoding calls back when its buffer is empty', async (t) => {
  const stream = new ProducerReadable().setEncoding('hex')
  const { log, callback } = told()
  stream.enqueue('ab', callback('ab'))
  stream.enqueue('c', callback('c'))
  stream.read(2)
  await turn()
  t.same(log, [])
  stream.read()
  await turn()
  t.same(log, ['ab', 'c'])
})

t.test('ProducerReadable: does not take bytes that were put back for bytes that left', async (t) => {
  const stream = new ProducerReadable()
  const { log, callback } = told()
  stream.enqueue('abc', callback('abc'))
  const first = stream.read(2) as Buffer
  stream.unshift(first)
  t.equal(stream.queuedLength, 3)
  stream.read(2)
  await turn()
  t.same(log, [])
  stream.read()
  await turn()
  t.same(log, ['abc'])
})

t.test('ProducerReadable: calls the other callbacks when one throws, which the process hears of', async (t) => {
  const stream = new ProducerReadable()
  const { log, callback } = told()
  const uncaught: string[] = []
  process.setUncaughtExceptionCaptureCallback(({ message }) => void uncaught.push(message))
  stream.enqueue('a', boom)
  stream.enqueue('b', callback('b'))
  stream.closeWhenDone()
  const text = await textOf(stream)
  await turn()
  process.setUncaughtExceptionCaptureCallback(null)
  t.same([text, log, uncaught], ['ab', ['b'], ['boom']])
})

t.test("ProducerReadable: goes on when a 'data' listener throws, which the process hears of", async (t) => {
  const stream = new ProducerReadable({ highWaterMark: 1 })
  const { log, callback } = told()
  const uncaught: string[] = []
  const chunks = await drain(stream)
  process.setUncaughtExceptionCaptureCallback(({ message }) => void uncaught.push(message))
  stream.once('data', boom)
  stream.enqueue('a', callback('a'))
  stream.enqueue('b', callback('b'))
  await turns(5)
  process.setUncaughtExceptionCaptureCallback(null)
  t.same([chunks, log, uncaught], [['a', 'b'], ['a', 'b'], ['boom']])
})

// -- close -------------------------------------------------------------------

t.test('ProducerReadable: O12 ends at once when it is idle', async (t) => {
  const stream = new ProducerReadable()
  stream.closeWhenDone()
  stream.closeWhenDone()
  t.equal(await withinTurns(textOf(stream)), '')
  const later = new ProducerReadable()
  const chunks = await drain(later)
  later.enqueue('a')
  await turn()
  const end = ended(later)
  later.closeWhenDone()
  await withinTurns(end)
  t.same(chunks, ['a'])
})

t.test('ProducerReadable: O15 O16 O17 refuses what is enqueued after closeWhenDone(), and loses nothing', async (t) => {
  const stream = new ProducerReadable()
  stream.enqueue('a')
  stream.closeWhenDone()
  const refused = { name: 'FramingError', code: 'ERR_CHANNEL_CLOSED' }
  t.throws(() => stream.enqueue('late', () => t.fail('called back')), refused)
  t.equal(stream.pending, 1)
  t.equal(await textOf(stream), 'a')
  await turns(3)
  t.throws(() => stream.enqueue('later'), refused, 'and when it has ended')
  t.throws(() => stream.enqueue(5 as never), { name: 'TypeError' }, 'a wrong argument is that first')
})

t.test('ProducerReadable: O18 discard() keeps a pending close', async (t) => {
  for (const source of ['a', { more: () => new Promise<never>(() => {}) }]) {
    const stream = new ProducerReadable()
    stream.enqueue(source)
    stream.enqueue('b')
    stream.closeWhenDone()
    await turn()
    stream.discard()
    t.equal(await withinTurns(textOf(stream)), '')
  }
})

// -- discard -----------------------------------------------------------------

t.test('ProducerReadable: O19 discard() drops the rest of a message, and what comes next follows the part that left', async (t) => {
  const stream = new ProducerReadable()
  const { log, callback } = told()
  stream.enqueue(producerOf('ab', new Promise(() => {})), callback('half'))
  const chunks = await drain(stream)
  t.same(chunks, ['ab'])
  stream.discard()
  stream.enqueue('NEXT', callback('next'))
  await turn()
  t.same([chunks, log], [['ab', 'NEXT'], ['half: ERR_DISCARDED', 'next']])
})

t.test('ProducerReadable: discard() does not drop bytes that were passed on', async (t) => {
  const stream = new ProducerReadable()
  const { log, callback } = told()
  stream.enqueue('abc', callback('abc'))
  stream.enqueue(producerOf('d', new Promise(() => {})), callback('half'))
  stream.read(1)
  stream.discard()
  stream.enqueue('e', callback('e'))
  stream.closeWhenDone()
  await turn()
  t.same(log, [], 'the callbacks keep the order of the queue')
  t.equal(await textOf(stream), 'bcde')
  t.same(log, ['abc', 'half: ERR_DISCARDED', 'e'])
})

t.test('ProducerReadable: discard() waits for nothing, and ignores late answers', async (t) => {
  for (const late of [() => 'late', () => null, () => 5, () => Promise.reject(new Error('late'))]) {
    const stream = new ProducerReadable()
    const { promise, resolve } = resolvers()
    stream.enqueue({ more: () => promise as never, return: () => new Promise(() => {}) })
    const chunks = await drain(stream)
    stream.discard()
    stream.enqueue('a')
    await turn()
    t.same(chunks, ['a'])
    resolve(late())
    stream.enqueue('b')
    await turns(3)
    t.same([chunks.join(''), stream.destroyed], ['ab', false])
  }
})

t.test('ProducerReadable: discard() of an empty queue, or of a destroyed one, does nothing', async (t) => {
  const stream = new ProducerReadable()
  stream.discard()
  stream.enqueue('a')
  stream.closeWhenDone()
  t.equal(await textOf(stream), 'a')
  stream.discard()
  stream.closeWhenDone()
  const destroyed = new ProducerReadable().destroy()
  destroyed.discard()
  destroyed.closeWhenDone()
  await turn()
  t.equal(destroyed.errored, null)
})

// -- releases ----------------------------------------------------------------

const ignored = (promise: Promise<void> | undefined): unknown => promise?.catch(() => {})

/** One source of each kind that can be given up, that tells of it, not begun and half-way. */
const releasable: Record<string, (onRelease: () => Promise<void> | undefined) => Source> = {
  producer: (onRelease) => ({ ...producerOf('a', new Promise(() => {})), return: onRelease }),
  'nested producer': (onRelease) => ({ more: () => ({ ...producerOf('a', new Promise(() => {})), return: onRelease }) }),
  generator: (onRelease) => {
    let isFirst = true
    return { next: () => ({ done: false, value: isFirst ? ((isFirst = false), 'a') : { more: () => new Promise<never>(() => {}) } }), return: () => onRelease() ?? { done: true, value: undefined }, [Symbol.iterator]() { return this } } as never
  },
  'async iterator': (onRelease) => {
    const rest: Promise<unknown>[] = [Promise.resolve({ done: false, value: 'a' }), new Promise(() => {})]
    return { next: () => rest.shift(), return: async () => onRelease(), [Symbol.asyncIterator]() { return this } } as never
  },
  Readable: (onRelease) => {
    const stream = new NodeReadable({ read: () => {}, destroy: (error, done) => (ignored(onRelease()), done(error)) })
    stream.push('a')
    return stream
  },
  ReadableStream: (onRelease) => new ReadableStream({ start: (controller) => controller.enqueue('a'), cancel: onRelease }),
}
const endings: Record<string, (stream: ProducerReadable, controller: AbortController) => void> = {
  'discard()': (stream) => stream.discard(),
  'destroy()': (stream) => void stream.destroy(),
  'destroy(error)': (stream) => void stream.destroy(new Error('of the consumer')),
  'an abort': (_, controller) => controller.abort(),
}

for (const [ending, end] of Object.entries(endings)) {
  t.test(`ProducerReadable: releases every source once on ${ending}`, async (t) => {
    for (const [name, source] of Object.entries(releasable)) {
      for (const isBegun of name === 'nested producer' ? [true] : [false, true]) {
        for (const outcome of [() => undefined, boom, () => Promise.reject(new Error('of the release'))]) {
          const controller = new AbortController()
          const stream = new ProducerReadable({ signal: controller.signal }).on('error', () => {})
          const { log, callback } = told()
          let count = 0
          stream.enqueue(source(() => (count++, outcome())), callback('it'))
          stream.enqueue('text', callback('text'))
          if (isBegun) t.equal((await drain(stream)).join(''), 'a', name)
          end(stream, controller)
          stream.discard()
          stream.destroy()
          await turns(3)
          t.equal(count, 1, `${name}${isBegun ? ', half-way' : ''}`)
          t.match(log, [/^it: /, /^text: /])
        }
      }
    }
  })
}

t.test('ProducerReadable: releases no source that was finished', async (t) => {
  const stream = new ProducerReadable()
  const never = (): never => t.fail('released') as never
  stream.enqueue({ ...producerOf('a', null), return: never })
  stream.enqueue({ [Symbol.iterator]: () => ({ next: () => ({ done: true as const, value: undefined }), return: never }) })
  stream.enqueue(new ReadableStream({ start: (controller) => controller.close(), cancel: never }))
  const readable = NodeReadable.from(['b'])
  stream.enqueue(readable)
  t.equal((await drain(stream)).join(''), 'ab')
  t.equal(readable.errored, null)
  stream.discard()
  stream.destroy()
  await turns(3)
})

t.test('ProducerReadable: releases its sources when a for await loop is left', async (t) => {
  const stream = new ProducerReadable()
  let returns = 0
  const { log, callback } = told()
  stream.enqueue({ ...producerOf('a', new Promise(() => {})), return: () => returns++ }, callback('a'))
  stream.enqueue({ more: () => null, return: () => returns++ }, callback('b'))
  for await (const chunk of stream) {
    t.equal(String(chunk), 'a')
    break
  }
  await turns(3)
  t.same([returns, log], [2, ['a: ABORT_ERR', 'b: ABORT_ERR']])
})

t.test('ProducerReadable: releases its sources when the other end of a pipeline fails', async (t) => {
  const stream = new ProducerReadable()
  let returns = 0
  const { log, callback } = told()
  stream.enqueue({ more: () => 'a', return: () => returns++ }, callback('a'))
  await t.rejects(pipeline(stream, new Writable({ write: (_, __, done) => done(new Error('of the peer')) })), { message: 'of the peer' })
  await turns(3)
  t.same([returns, log.length], [1, 1])
})

t.test('ProducerReadable: takes nothing from a source that enqueues while it is given up', async (t) => {
  const stream = new ProducerReadable()
  const { log, callback } = told()
  stream.enqueue({ more: () => null, return: () => t.equal(stream.enqueue('late', callback('late')), false) }, callback('it'))
  stream.enqueue('text', callback('text'))
  stream.destroy()
  await turn()
  t.same(log, ['it', 'text', 'late'].map((name) => `${name}: ERR_CHANNEL_CLOSED`))
})

// -- a stream that others destroyed ------------------------------------------

t.test('ProducerReadable: gives the reason to a callback when others destroyed it', async (t) => {
  for (const [error, code] of [[undefined, 'ERR_CHANNEL_CLOSED'], [new Error('of the peer'), 'of the peer']] as const) {
    const stream = new ProducerReadable().on('error', () => {})
    const { log, callback } = told()
    stream.enqueue('a', callback('a'))
    stream.destroy(error)
    t.equal(stream.enqueue('b', callback('b')), false)
    t.equal(stream.enqueue(new SimpleProducer('c')), false)
    t.same(log, [], 'never from inside the call')
    t.same([stream.pending, stream.queuedLength], [0, 0])
    await turn()
    t.same(log, [`a: ${code}`, `b: ${code}`])
    t.throws(() => stream.enqueue(5 as never), { name: 'TypeError' })
    stream.closeWhenDone()
    t.throws(() => stream.enqueue('c'), { code: 'ERR_CHANNEL_CLOSED' }, 'its own close is the caller to blame for')
  }
})

t.test('ProducerReadable: is destroyed by its signal, also by one that is aborted already', async (t) => {
  const stream = new ProducerReadable({ signal: AbortSignal.abort() })
  await t.rejects(textOf(stream), { name: 'AbortError' })
  const { log, callback } = told()
  t.equal(stream.enqueue('a', callback('a')), false)
  await turn()
  t.same(log, ['a: ABORT_ERR'])
})

// -- back-pressure -----------------------------------------------------------

t.test('ProducerReadable: says when more than a high-water mark waits', async (t) => {
  const stream = new ProducerReadable({ highWaterMark: 4 })
  t.same([stream.enqueue('ab'), stream.enqueue('cd'), stream.queuedLength], [true, true, 4])
  t.same([stream.enqueue('e'), stream.queuedLength, stream.pending], [false, 5, 3])
  stream.read(0)
  t.equal(stream.queuedLength, 5, 'wherever the bytes are')
  stream.read(2)
  t.equal(stream.queuedLength, 3)
  t.equal(stream.enqueue('f'), true)
})

t.test('ProducerReadable: counts one high-water mark for a source that does not know its length', async (t) => {
  const stream = new ProducerReadable({ highWaterMark: 4 })
  t.same([stream.enqueue(['ab', 'c']), stream.queuedLength], [true, 4])
  t.same([stream.enqueue(producerOf('d')), stream.queuedLength], [false, 8])
  t.same([stream.enqueue(new Blob(['efg'])), stream.queuedLength], [false, 11], 'a Blob knows')
  stream.discard()
  t.equal(stream.queuedLength, 0)
})

t.test("ProducerReadable: emits 'drained' when all has left, after the callbacks, once", async (t) => {
  const stream = new ProducerReadable()
  const { log, callback } = told()
  stream.on('drained', () => log.push(`drained, ${stream.pending} pending, ${stream.queuedLength} bytes`))
  stream.read(0)
  await turn()
  t.same(log, [], 'not of a queue that was never full')
  stream.enqueue('ab', callback('ab'))
  stream.enqueue(producerOf('c'), callback('c'))
  stream.read(1)
  await turn()
  t.same(log, [])
  stream.read()
  stream.read()
  await turns(3)
  t.same(log.splice(0), ['ab', 'c', 'drained, 0 pending, 0 bytes'])
  stream.enqueue('d', () => stream.enqueue('e', callback('e')))
  stream.read()
  await turn()
  t.same(log, [], 'not when a callback has enqueued something')
  stream.read()
  await turn()
  t.same(log, ['e', 'drained, 0 pending, 0 bytes'])
})

t.test("ProducerReadable: emits 'drained' when discard() leaves nothing", async (t) => {
  const stream = new ProducerReadable()
  const { log, callback } = told()
  stream.on('drained', () => log.push('drained'))
  stream.enqueue('a', callback('a'))
  stream.discard()
  await turn()
  t.same(log, ['a: ERR_DISCARDED', 'drained'])
})

t.test("ProducerReadable: emits no 'drained' once it is closed or destroyed", async (t) => {
  const fail = (): never => t.fail('drained') as never
  const closing = new ProducerReadable().on('drained', fail)
  closing.enqueue('a')
  closing.closeWhenDone()
  await textOf(closing)
  const closed = new ProducerReadable().on('drained', fail)
  closed.enqueue('a')
  closed.read()
  closed.closeWhenDone()
  const destroyed = new ProducerReadable().on('drained', fail)
  destroyed.enqueue('a')
  destroyed.read()
  destroyed.destroy()
  await turns(3)
})

t.test('ProducerReadable: lets a writer that heeds its back-pressure go on', async (t) => {
  const stream = new ProducerReadable({ highWaterMark: 16 })
  let written = 0
  let worst = 0
  const write = (): void => {
    while (written < 1000) {
      written++
      const isRoom = stream.enqueue('abcd')
      worst = Math.max(worst, stream.queuedLength)
      if (!isRoom) return
    }
    stream.closeWhenDone()
  }
  stream.on('drained', write)
  write()
  t.equal((await withinTurns(textOf(stream))).length, 4000)
  t.equal(worst, 20)
})

t.test('ProducerReadable: uses no time while a source has nothing and while nobody reads', async (t) => {
  let count = 0
  const waiting = new ProducerReadable()
  waiting.enqueue({ more: () => (count++, new Promise<never>(() => {})) })
  waiting.resume()
  await turns(10)
  t.equal(count, 1, 'pulled once')
  const unread = new ProducerReadable()
  unread.enqueue(() => t.fail('pulled') as never)
  await turns(10)
})
