/**
 * How asynchat drains its output, corner by corner, and what `AsyncChat` makes of each, over a transport in memory.
 * The numbers are those of `test/support/asynchat-rows.ts`. A title says where asynchat does otherwise.
 */

import { EventEmitter, once } from 'node:events'
import t from 'tap'
import { AsyncChat } from '../../src/chat/async-chat.js'
import type { AsyncChatOptions } from '../../src/chat/chat-options.js'
import type { PushCallback } from '../../src/chat/chat-output.js'
import type { Chunk, Produced, Producer } from '../../src/producers/source.js'
import { MemoryTransport, settle } from '../support/chat-session.js'

interface Started {
  readonly chat: AsyncChat
  readonly transport: MemoryTransport
}

function start(options: AsyncChatOptions = {}): Started {
  const transport = new MemoryTransport()
  return { chat: new AsyncChat(transport, options), transport }
}

/** A producer that gives these one by one, or what they give when they are called, and then nothing. */
function producerOf(...answers: readonly unknown[]): Producer & { readonly calls: () => number } {
  let calls = 0
  return {
    more: () => {
      const answer = answers[calls++]
      return (typeof answer === 'function' ? answer() : answer) as Produced
    },
    calls: () => calls,
  }
}

/** A callback that notes what it is called with. */
function noting(): { readonly calls: unknown[]; readonly callback: PushCallback } {
  const calls: unknown[] = []
  return { calls, callback: (error) => void calls.push(error ?? null) }
}

const wrongType = (message: RegExp) => ({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message })
const CLOSED = { name: 'FramingError', code: 'ERR_CHANNEL_CLOSED' }
const isClosed = (error: unknown): boolean => (error as { code?: string } | null)?.code === 'ERR_CHANNEL_CLOSED'

// What goes out

interface WireRow {
  readonly id: string
  readonly name: string
  readonly act: (chat: AsyncChat) => void
  readonly want: string
}

const WIRE: readonly WireRow[] = [
  { id: 'O10 O11', name: 'sends nothing for nothing', act: (chat) => ['a', '', new Uint8Array(), 'b'].forEach((data) => chat.push(data)), want: 'ab' },
  { id: 'O30', name: 'asks a producer until it has no more', act: (chat) => chat.pushWithProducer(producerOf('one', 'two')), want: 'onetwo' },
  {
    id: 'O31 O32',
    name: 'goes past producers that are empty',
    act: (chat) => [producerOf(), 'a', producerOf(''), producerOf(), 'b'].forEach((source) => chat.pushWithProducer(source)),
    want: 'ab',
  },
  {
    id: 'O33',
    name: 'sends one after the other',
    act: (chat) => [producerOf('A1', 'A2'), producerOf('B1'), 'c'].forEach((source) => chat.pushWithProducer(source)),
    want: 'A1A2B1c',
  },
  {
    id: 'O36',
    name: 'takes null, undefined and nothing for the end of a producer',
    act: (chat) => [null, undefined, '', new Uint8Array()].forEach((end) => chat.pushWithProducer(producerOf('x', end, 'never'))),
    want: 'xxxx',
  },
  { id: 'O37 O37c O37d B14', name: 'sends strings as UTF-8 (there a TypeError, or UTF-32)', act: sendStrings, want: 'ÃäÃ¤' },
  {
    id: 'O38',
    name: 'takes any bytes from a producer',
    act: (chat) => chat.pushWithProducer(producerOf(Buffer.from('a'), new Uint8Array([0x62]), new DataView(new Uint8Array([0x63]).buffer))),
    want: 'abc',
  },
  {
    id: 'O39',
    name: 'drains a producer that a producer gives, then goes on',
    act: (chat) => chat.pushWithProducer(producerOf('a', () => producerOf('b', 'c'), 'd')),
    want: 'abcd',
  },
  {
    id: 'O46 O47 O48',
    name: 'sends all of a producer that looks empty (there its rest, and the next item, are lost)',
    act: (chat) => [Object.assign(producerOf('a', 'b'), { length: 0 }), Object.assign(producerOf(), { length: 0 }), 'c'].forEach((source) => chat.pushWithProducer(source)),
    want: 'abc',
  },
  {
    id: 'O50 B17',
    name: 'sends what a more() pushes after its own (there before)',
    act: (chat) => chat.pushWithProducer(producerOf(() => (chat.push('p2'), 'p1'))),
    want: 'p1p2',
  },
  {
    id: 'O52',
    name: 'lets a producer push and end (there an IndexError)',
    act: (chat) => chat.pushWithProducer(producerOf(() => void chat.push('X'))),
    want: 'X',
  },
  {
    id: 'O52b',
    name: 'loses nothing that a producer pushes before it ends (there the first)',
    act: (chat) => chat.pushWithProducer(producerOf(() => void (chat.push('X'), chat.push('Y')))),
    want: 'XY',
  },
  {
    id: 'O54',
    name: 'lets a producer discard the queue (there an IndexError)',
    act: (chat) => {
      chat.pushWithProducer(producerOf(() => (chat.discardBuffers(), 'dropped')))
      chat.push('too')
      setImmediate(() => chat.push('next'))
    },
    want: 'next',
  },
  {
    id: 'O56',
    name: 'closes after the producer that says so',
    act: (chat) => chat.pushWithProducer(producerOf('a', () => (chat.closeWhenDone(), 'b'), 'c')),
    want: 'abc',
  },
]

function sendStrings(chat: AsyncChat): void {
  // U+00C3 U+00A4 are the two bytes of an umlaut, read as Latin-1.
  chat.push(Buffer.from('Ãä', 'latin1'))
  chat.pushWithProducer(producerOf('ä'))
}

for (const { id, name, act, want } of WIRE) {
  t.test(`AsyncChat: ${id} ${name}`, async (t) => {
    const { chat, transport } = start({ handleError: (error) => void t.fail(String(error)) })
    act(chat)
    await settle(4)
    t.equal(transport.text, want)
    chat.close()
  })
}

t.test('AsyncChat: O01 push does not write, and keeps the order (there it writes at once)', async (t) => {
  const { chat, transport } = start()
  await settle()
  chat.push('a')
  t.same(transport.written, [])
  chat.push('b')
  await settle()
  t.equal(transport.text, 'ab')
  chat.close()
})

t.test('AsyncChat: O02 O03 O04 L12 B11 writes at most acOutBufferSize at once, and the rest as it is taken', async (t) => {
  const { chat, transport } = start({ acOutBufferSize: 4 })
  transport.block()
  chat.push('0123456789')
  for (const written of [['0123'], ['0123', '4567'], ['0123', '4567', '89']]) {
    await settle()
    t.same(transport.written, written)
    await settle()
    t.same(transport.written, written, 'a peer that takes nothing gets nothing')
    transport.release(true)
  }
  await settle()
  t.equal(chat.queuedBytes, 0)
  chat.close()
})

t.test('AsyncChat: O06 O06b O13 O42 B36 refuses by the call what cannot be sent, says what, and queues nothing', async (t) => {
  const { chat, transport } = start()
  for (const [value, says] of [[10, /"data".*10/], [null, /"data".*null/], [['a'], /"data".*an array/], [{ more: () => 'x' }, /"data".*Object/]] as const) {
    t.throws(() => chat.push(value as never), wrongType(says))
  }
  for (const [value, says] of [[10, /"source".*10/], [null, /"source".*null/], [{}, /"source".*Object/]] as const) {
    t.throws(() => chat.pushWithProducer(value as never), wrongType(says))
  }
  t.equal(chat.queuedBytes, 0)
  chat.push('good')
  await settle()
  t.equal(transport.text, 'good')
  chat.close()
})

t.test('AsyncChat: O09 sends all bytes of a view of wider items (there half of them are lost)', async (t) => {
  const { chat, transport } = start({ acOutBufferSize: 8 })
  chat.push(new Uint32Array([0x61616161, 0x62626262, 0x63636363, 0x64646464]))
  await settle()
  t.equal(transport.text, 'aaaabbbbccccdddd')
  chat.close()
})

t.test('AsyncChat: O34 O35 asks for no more while the peer takes nothing', async (t) => {
  const { chat, transport } = start({ acOutBufferSize: 4 })
  transport.block()
  const producer = producerOf(...Array.from({ length: 50 }, () => 'abcd'))
  chat.pushWithProducer(producer)
  for (let released = 0; released < 40; released++) {
    await settle()
    t.equal(transport.text, 'abcd'.repeat(released + 1))
    t.ok(producer.calls() <= released + 3, 'one buffer is on its way, one is ready')
    transport.release(true)
  }
  transport.release()
  await settle()
  t.same([transport.text.length, producer.calls()], [200, 51])
  chat.close()
})

t.test('AsyncChat: P4 writes a large push uncopied, each piece a part of it', async (t) => {
  const { chat, transport } = start({ acOutBufferSize: 65_536 })
  const data = Buffer.alloc(200_000, 'x')
  const parts: Buffer[] = []
  transport._write = (chunk: Buffer, _encoding, done) => {
    parts.push(chunk)
    done()
  }
  chat.push(data)
  await settle()
  t.equal(Buffer.concat(parts).equals(data), true)
  t.same([...new Set(parts.map(({ buffer }) => buffer === data.buffer))], [true])
  chat.close()
})

t.test('AsyncChat: O53 100,000 producers that push the next one use no stack (there a RecursionError after 249)', async (t) => {
  const { chat, transport } = start()
  const COUNT = 100_000
  let count = 0
  const more = (): Chunk | null => {
    if (++count < COUNT) chat.pushWithProducer({ more })
    return null
  }
  chat.pushWithProducer({ more })
  await settle(100)
  t.equal(count, COUNT)
  chat.push('last')
  await settle()
  t.equal(transport.text, 'last')
  chat.close()
})

t.test('AsyncChat: O57 O58 a transport that calls push() or discardBuffers() inside a write sends nothing twice (there it does)', async (t) => {
  for (const [act, want] of [['push', 'headtailpushed'], ['discardBuffers', 'headtail']] as const) {
    const { chat, transport } = start({ acOutBufferSize: 4 })
    let isFirst = true
    transport._write = (chunk: Buffer, _encoding, done) => {
      transport.written.push(String(chunk))
      if (isFirst && act === 'push') chat.push('pushed')
      if (isFirst && act === 'discardBuffers') chat.discardBuffers()
      isFirst = false
      done()
    }
    chat.pushWithProducer(act === 'push' ? producerOf('head', 'tail') : producerOf('head', 'tail', 'rest', 'of', 'it'))
    await settle()
    t.equal(transport.text, want, act)
    chat.close()
  }
})

t.test('AsyncChat: O90 answers are written in the order of their requests', async (t) => {
  const { chat, transport } = start({
    terminator: '\n',
    handleFrame(frame) {
      this.push(`${String(frame)}!`)
    },
  })
  transport.push('a\nb\nc\n')
  await settle()
  t.equal(transport.text, 'a!b!c!')
  chat.close()
})

t.test('AsyncChat: B19 a producer says with a promise that it has nothing yet (there empty means finished)', async (t) => {
  const { chat, transport } = start()
  const later = new EventEmitter()
  chat.pushWithProducer(producerOf('now ', () => once(later, 'answer').then(([chunk]) => chunk as string)))
  chat.push('after')
  await settle()
  t.equal(transport.text, 'now ')
  later.emit('answer', 'later ')
  await settle()
  t.equal(transport.text, 'now later after')
  chat.close()
})

// Failures

t.test('AsyncChat: O41 O44 O45 B24 a more() that fails does so once, never to the pusher, and by default closes', async (t) => {
  const failure = new Error('no more')
  const cases = [
    { name: 'throws', answer: () => { throw failure }, isRight: (error: unknown) => error === failure },
    { name: 'rejects', answer: () => Promise.reject(failure), isRight: (error: unknown) => error === failure },
    { name: 'gives a number', answer: () => 5, isRight: (error: unknown) => error instanceof TypeError },
  ]
  for (const { name, answer, isRight } of cases) {
    const { chat, transport } = start()
    const { calls, callback } = noting()
    const producer = producerOf('good', answer)
    t.doesNotThrow(() => chat.pushWithProducer(producer, callback), name)
    const { error, unsent } = await chat.whenClosed
    t.equal(isRight(error), true, `${name}: the original error`)
    t.same([calls.length, isRight(calls[0]), unsent, producer.calls()], [1, true, 1, 2], `${name}: once`)
    t.equal(transport.destroyed, true)
  }
})

t.test('AsyncChat: O60 O61 B21 a write that fails goes to handleError once, and to no push', async (t) => {
  const failure = Object.assign(new Error('write EIO'), { code: 'EIO' })
  const errors: unknown[] = []
  const { chat, transport } = start({ handleError: (error) => void errors.push(error) })
  transport._write = (_chunk, _encoding, done) => done(failure)
  const { calls, callback } = noting()
  t.doesNotThrow(() => chat.push('lost', callback))
  t.same(errors, [], 'not inside the push')
  t.same(await chat.whenClosed, { error: failure, incomplete: 0, unsent: 1 })
  await settle()
  t.same([errors.length, errors[0] === failure, calls.length, calls[0] === failure], [1, true, 1, true])
  t.equal(chat.push('late'), false, 'whom the peer left may push: it comes to nothing')
})

t.test('AsyncChat: I81 O70 O71 O72 B34 refuses buffer sizes that are no positive integer', async (t) => {
  for (const size of [0, -1, 1.5, Number.NaN, Infinity]) {
    t.throws(() => start({ acInBufferSize: size }), { name: 'RangeError', message: /acInBufferSize/ }, `in ${size}`)
    t.throws(() => start({ acOutBufferSize: size }), { name: 'RangeError', message: /acOutBufferSize/ }, `out ${size}`)
  }
  t.throws(() => start({ acOutBufferSize: '8' as never }), { name: 'TypeError', message: /acOutBufferSize/ })
  class Tiny extends AsyncChat {
    static override acOutBufferSize = 0
  }
  t.throws(() => new Tiny(new MemoryTransport()), { name: 'RangeError', message: /acOutBufferSize/ }, 'as a property of the class')
})

t.test('AsyncChat: B12 B38 has buffers of 65,536 bytes, which a class may change', async (t) => {
  class Small extends AsyncChat {
    static override acInBufferSize = 4096
    static override acOutBufferSize = 4096
  }
  const { chat } = start()
  const small = new Small(new MemoryTransport())
  t.same([chat, small].map(({ acInBufferSize, acOutBufferSize }) => [acInBufferSize, acOutBufferSize]), [[65_536, 65_536], [4096, 4096]])
  for (const one of [chat, small]) one.close()
})

t.test('AsyncChat: B35 has no send() beside push()', async (t) => {
  t.notOk('send' in AsyncChat.prototype)
})

// The end

t.test('AsyncChat: O12 B20 B22 closeWhenDone() on an idle channel ends it now, and handleClose runs once (there with the next event)', async (t) => {
  const closes: unknown[] = []
  const { chat, transport } = start({ handleClose: (info) => void closes.push(info) })
  await settle()
  chat.closeWhenDone()
  await settle()
  t.equal(transport.writableFinished, true)
  transport.push(null)
  await chat.whenClosed
  chat.close()
  await settle()
  t.same(closes, [{ incomplete: 0, unsent: 0 }])
})

t.test('AsyncChat: O14 closeWhenDone() ends after what is queued', async (t) => {
  const { chat, transport } = start()
  transport.block()
  await settle()
  chat.push('a')
  chat.push('b')
  chat.closeWhenDone()
  await settle()
  t.equal(transport.writableEnded, false)
  transport.release()
  await settle()
  t.same([transport.text, transport.writableFinished], ['ab', true])
  chat.close()
})

t.test('AsyncChat: O15 push after closeWhenDone throws, nothing is queued (there it is kept for ever)', async (t) => {
  const { chat, transport } = start()
  await settle()
  chat.closeWhenDone()
  const { calls, callback } = noting()
  t.throws(() => chat.push('late', callback), CLOSED)
  t.throws(() => chat.pushWithProducer(producerOf('late'), callback), CLOSED)
  t.equal(chat.queuedBytes, 0)
  transport.push(null)
  t.same(await chat.whenClosed, { incomplete: 0, unsent: 0 })
  t.same([transport.text, calls], ['', []])
})

t.test('AsyncChat: O16 B23 push after closeWhenDone throws while the queue is written too', async (t) => {
  const { chat, transport } = start()
  transport.block()
  chat.push('a')
  chat.closeWhenDone()
  await settle()
  t.throws(() => chat.push('late'), CLOSED)
  transport.release()
  transport.push(null)
  t.same(await chat.whenClosed, { incomplete: 0, unsent: 0 })
  t.equal(transport.text, 'a')
})

t.test('AsyncChat: O17 push after close throws, nothing is queued (there the queue grows)', async (t) => {
  const { chat, transport } = start()
  chat.close()
  t.throws(() => chat.push('late'), CLOSED)
  await chat.whenClosed
  t.throws(() => chat.push('later'), CLOSED)
  t.same([chat.queuedBytes, transport.text], [0, ''])
})

t.test('AsyncChat: O18 discardBuffers() keeps a pending close (there the channel never closes)', async (t) => {
  const { chat, transport } = start()
  transport.block()
  const { calls, callback } = noting()
  await settle()
  chat.push('a')
  await settle()
  chat.push('b', callback)
  chat.closeWhenDone()
  chat.discardBuffers()
  transport.release()
  transport.push(null)
  t.same(await chat.whenClosed, { incomplete: 0, unsent: 0 })
  t.equal(transport.text, 'a')
  t.match(calls, [{ code: 'ERR_DISCARDED' }])
})

t.test('AsyncChat: O19 discardBuffers() does not cut a push that has begun to leave (there the rest is lost)', async (t) => {
  const { chat, transport } = start({ acOutBufferSize: 2 })
  transport.block()
  chat.push('abcdef')
  await settle()
  t.equal(transport.text, 'ab')
  chat.discardBuffers()
  chat.push('NEXT')
  transport.release()
  await settle()
  t.equal(transport.text, 'abcdefNEXT')
  chat.close()
})

t.test('AsyncChat: O55 close() inside a more() stops it, and sends nothing more', async (t) => {
  const { chat, transport } = start()
  const producer = producerOf(() => (chat.close(), 'never'), 'never')
  chat.pushWithProducer(producer)
  t.same(await chat.whenClosed, { incomplete: 0, unsent: 1 })
  t.same([transport.text, producer.calls()], ['', 1])
})

t.test('AsyncChat: O80 a handleClose that does nothing closes all the same (there the channel lives on)', async (t) => {
  const { chat, transport } = start({ handleClose() {} })
  transport.block()
  chat.push('a')
  await settle()
  chat.push('late')
  chat.close()
  await chat.whenClosed
  transport.release()
  await settle()
  t.equal(transport.text, 'a')
  t.same([chat.closed, transport.destroyed], [true, true])
})

t.test('AsyncChat: L16 close() tells each push that it was dropped (there nobody hears of it)', async (t) => {
  const { chat, transport } = start()
  transport.block()
  const pushes = [noting(), noting(), noting()]
  for (const { callback } of pushes) chat.push('x'.repeat(10), callback)
  await settle()
  chat.close()
  t.equal((await chat.whenClosed).unsent, 3)
  await settle()
  t.same(pushes.map(({ calls }) => [calls.length, isClosed(calls[0])]), [[1, true], [1, true], [1, true]])
})

t.test('AsyncChat: B25 tells each producer that is dropped, once (there nobody is told)', async (t) => {
  for (const drop of ['close', 'discardBuffers'] as const) {
    const { chat, transport } = start()
    transport.block()
    const told: number[] = []
    for (const id of [0, 1]) {
      chat.pushWithProducer({ more: () => 'x'.repeat(100_000), return: () => void told.push(id) } as Producer)
    }
    await settle()
    chat[drop]()
    await settle()
    t.same(told, [0, 1], drop)
    chat.close()
    await settle()
    t.equal(told.length, 2)
  }
})
