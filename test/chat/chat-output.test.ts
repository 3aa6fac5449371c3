import { PassThrough, Writable, type WritableOptions } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import { AsyncChat } from '../../src/chat/async-chat.js'
import { ChatOutput, type OutputEvents, type PushCallback } from '../../src/chat/chat-output.js'
import { ChatTransport } from '../../src/chat/chat-transport.js'
import type { Source } from '../../src/producers/source.js'
import { turns, withinTurns } from '../support/consumers.js'
import { duplexPair } from '../support/duplex-pair.js'
import { until } from '../support/until.js'

interface Rig {
  readonly output: ChatOutput
  readonly transport: ChatTransport
  readonly writable: Writable
  /** What happened, in order: `wrote x`, `called x`, `drain`, an error's message. */
  readonly log: string[]
  readonly written: Buffer[]
  /** Calls the oldest write back. */
  readonly answer: (error?: Error) => void
  readonly push: (source: Source, name?: string) => boolean
}

interface RigOptions extends WritableOptions {
  /** Writes are called back by `answer()` alone. */
  readonly isSlow?: boolean
  readonly mark?: number
}

/** An output with a transport whose every write is seen; not started. */
function rig({ isSlow = false, mark = 16, ...options }: RigOptions = {}): Rig {
  const log: string[] = []
  const written: Buffer[] = []
  const waiting: ((error?: Error) => void)[] = []
  const writable = new Writable({
    ...options,
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk)
      log.push(`wrote ${chunk.length < 30 ? String(chunk) : chunk.length}`)
      if (isSlow) waiting.push(done)
      else process.nextTick(done)
    },
  })
  const events: OutputEvents = {
    onWrite: () => {},
    onWritten: () => {},
    onDrain: () => void log.push('drain'),
    onQueueLost: () => {},
    fail: (error) => void log.push(`failed: ${error.message}`),
  }
  const output = new ChatOutput(mark, events)
  const transport = new ChatTransport({ readable: new PassThrough(), writable })
  writable.on('drain', () => output.drain())
  writable.on('error', (error) => output.fail(error))
  const callback = (name: string): PushCallback => (error) => void log.push(error ? `${name}: ${(error as NodeJS.ErrnoException).code ?? error.message}` : `called ${name}`)
  return {
    output,
    transport,
    writable,
    log,
    written,
    answer: (error) => waiting.shift()?.(error),
    push: (source, name) => output.push(source, name === undefined ? undefined : callback(name)),
  }
}

const calls = (log: readonly string[]): string[] => log.filter((line) => line.startsWith('called'))

const textOf = (written: readonly Uint8Array[]): string => String(Buffer.concat(written))

t.test('ChatOutput: calls back in the order of the pushes, each when its own bytes are written', async (t) => {
  const { output, transport, push, answer, log } = rig({ isSlow: true, highWaterMark: 1 })
  push('abc', 'first')
  push('', 'empty')
  push('def', 'second')
  t.equal(output.queuedBytes, 6, 'nothing is written before the start')
  await turns(2)
  t.same(log, [])
  output.start(transport)
  await turns(2)
  push('ghi', 'third')
  push('', 'last')
  await turns(2)
  t.same(log, ['wrote abcdef'], 'no callback before the transport\'s own')
  t.equal(output.queuedBytes, 9)
  t.equal(output.unsent, 5)
  answer()
  await turns(2)
  t.same(calls(log), ['called first', 'called empty', 'called second'])
  t.equal(output.queuedBytes, 3)
  t.equal(output.unsent, 2)
  answer()
  await turns(2)
  t.same(calls(log).slice(3), ['called third', 'called last'])
  t.equal(output.queuedBytes, 0)
  t.equal(output.unsent, 0)
})

t.test('ChatOutput: takes nothing from the queue while the transport has enough', async (t) => {
  const { output, transport, push, answer, written } = rig({ isSlow: true, highWaterMark: 10, mark: 8 })
  let made = 0
  push({
    more: () => {
      made++
      return made > 40 ? '' : 'four'
    },
  })
  output.start(transport)
  await turns(5)
  // 16 bytes fill the transport, and one mark is in the queue's own buffer, or about to be.
  const held = made
  t.ok(held <= 8, `${held} pieces were made`)
  await turns(10)
  t.equal(made, held, 'and no more of them with time')
  for (let count = 0; count < 25; count++) {
    const before = made
    answer()
    await turns(3)
    t.ok(made - before <= 6, 'as fast as the peer takes it')
  }
  t.equal(textOf(written), 'four'.repeat(40))
  t.equal(output.queuedBytes, 0)
})

t.test('ChatOutput: no write is longer than the mark, nothing is lost at it', async (t) => {
  const rows: [mark: number, pushes: number[]][] = [
    [1, [3, 1, 2]],
    [16, [16]],
    [16, [17]],
    [16, [15, 1, 1, 100]],
    [16, [32, 0, 48]],
    [10_000, [100_000, 1]],
  ]
  for (const [mark, lengths] of rows) {
    const { output, transport, push, written, log } = rig({ mark, highWaterMark: 20 })
    for (const [index, length] of lengths.entries()) push(Buffer.alloc(length, index + 65), `${index}`)
    output.start(transport)
    await turns(4 + lengths.reduce((sum, length) => sum + length, 0) / 4)
    t.ok(written.every(({ length }) => length > 0 && length <= mark), `${mark}: ${lengths.join()}`)
    t.equal(textOf(written), lengths.map((length, index) => String.fromCharCode(index + 65).repeat(length)).join(''))
    t.same(log.filter((line) => line.startsWith('called')), lengths.map((_, index) => `called ${index}`))
    t.equal(output.queuedBytes, 0)
  }
})

t.test('ChatOutput: a callback waits for all the writes of a long source', async (t) => {
  const { output, transport, push, answer, log } = rig({ isSlow: true, highWaterMark: 1, mark: 4 })
  push('aaaabbbbcc', 'long')
  push('d', 'short')
  output.start(transport)
  for (const wrote of ['aaaa', 'bbbb', 'cc']) {
    await turns(2)
    t.equal(log.at(-1), `wrote ${wrote}`)
    t.notOk(log.includes('called long'))
    answer()
  }
  await turns(2)
  t.same(calls(log), ['called long'])
  answer()
  await turns(2)
  t.equal(log.at(-1), 'called short')
})

t.test('ChatOutput: push() gives false when more than the mark waits; one drain follows when all is written', async (t) => {
  const { output, transport, push, answer, log } = rig({ isSlow: true, highWaterMark: 1, mark: 16 })
  t.equal(push(Buffer.alloc(16)), true, 'the mark itself')
  t.equal(push('x'), false, 'one more')
  t.equal(push('y'), false)
  output.start(transport)
  await turns(2)
  answer()
  await turns(2)
  t.notOk(log.includes('drain'), 'some are waiting')
  for (let count = 0; count < 3; count++) {
    answer()
    await turns(2)
  }
  t.equal(log.filter((line) => line === 'drain').length, 1)
  push('z')
  await turns(2)
  answer()
  await turns(2)
  t.equal(log.filter((line) => line === 'drain').length, 1, 'none where push() had said true')
  t.equal(push(() => null), true, 'a source of unknown size counts one mark')
  t.equal(output.queuedBytes, 16)
})

t.test('ChatOutput: discard() drains too, with what was taken still written', async (t) => {
  const { output, transport, push, answer, log, written } = rig({ isSlow: true, highWaterMark: 1, mark: 4 })
  const names = ['0aaaabbbb', ...'123456789'.split('')].map((name) => name.padEnd(4, 'x'))
  for (const name of names) push(name, name)
  output.start(transport)
  await turns(2)
  t.same(log, ['wrote 0aaa'])
  output.discard()
  const answerAll = async (): Promise<void> => {
    for (let count = 0; count < 8; count++) {
      answer()
      await turns(2)
    }
  }
  await answerAll()
  const isWritten = (name: string): boolean => textOf(written).includes(name)
  t.ok(isWritten('0aaaabbbb'), 'what had left the queue in part leaves as a whole')
  t.ok(names.filter(isWritten).length < 5)
  t.equal(textOf(written), names.filter(isWritten).join(''))
  t.same(log.filter((line) => /called|:/.test(line)), names.map((name) => (isWritten(name) ? `called ${name}` : `${name}: ERR_DISCARDED`)))
  t.equal(output.unsent, 0, 'what was dropped on purpose is not unsent')
  t.equal(log.filter((line) => line === 'drain').length, 1)
  t.equal(output.queuedBytes, 0)
  push('after', 'after')
  await turns(2)
  await answerAll()
  t.equal(log.at(-1), 'called after')

  const idle = rig()
  idle.push(Buffer.alloc(17))
  idle.output.discard()
  await turns(2)
  t.equal(idle.log.join(), 'drain', 'nothing was written, and nothing waits')
})

t.test('ChatOutput: a source that fails takes those behind it along; later pushes are written', async (t) => {
  for (const isStarted of [true, false]) {
    const { output, transport, push, log, written } = rig({ mark: 64 })
    if (isStarted) output.start(transport)
    const before = output.producers
    push('good', 'good')
    push(function* () {
      yield 'some '
      throw new Error('no more')
    }(), 'bad')
    push('behind', 'behind')
    if (!isStarted) output.start(transport)
    await turns(4)
    t.same(log.filter((line) => /called|no more/.test(line) && !line.startsWith('failed')), ['called good', 'bad: no more', 'behind: no more'])
    t.same(log.filter((line) => line.startsWith('failed')), ['failed: no more'])
    t.not(output.producers, before)
    t.equal(output.unsent, 2)
    push('sorry', 'sorry')
    await turns(3)
    t.equal(textOf(written), 'goodsome sorry')
    t.equal(log.at(-1), 'called sorry')
    output.end(() => log.push('ended'))
    await turns(2)
    t.equal(log.at(-1), 'ended')
  }
})

t.test('ChatOutput: a source that fails while the transport has enough, or while it ends, changes neither', async (t) => {
  const { output, transport, push, answer, log, written } = rig({ isSlow: true, highWaterMark: 1, mark: 4 })
  let reject: ((error: Error) => void) | undefined
  push('aaaa')
  push({ more: () => new Promise<string>((_, refuse) => (reject = refuse)) })
  output.start(transport)
  await turns(2)
  output.end(() => log.push('ended'))
  reject?.(new Error('late'))
  await turns(3)
  answer()
  await turns(3)
  answer()
  await turns(3)
  t.equal(textOf(written), 'aaaa')
  t.same(log.filter((line) => line === 'ended'), ['ended'])

  const full = rig({ isSlow: true, highWaterMark: 1, mark: 4 })
  full.output.start(full.transport)
  full.push('aaaa')
  await turns(2)
  full.push(() => {
    throw new Error('at once')
  })
  await turns(3)
  full.output.producers.read(0)
  await turns(1)
  full.push('bbbb')
  await turns(3)
  t.equal(textOf(full.written), 'aaaa', 'the transport has enough')
  full.answer()
  await turns(3)
  for (let count = 0; count < 3; count++) {
    full.answer()
    await turns(2)
  }
  if (!full.log.includes('failed: at once')) t.fail('the source did not fail')
})

t.test('ChatOutput: fail() tells every source that was not written, in order, once', async (t) => {
  const { output, transport, push, log } = rig({ isSlow: true, highWaterMark: 1, mark: 4 })
  push('aaaabb', 'half')
  push('cc', 'waiting')
  output.start(transport)
  await turns(2)
  const reason = new Error('gone')
  output.fail(reason)
  output.fail(new Error('again'))
  await turns(2)
  t.same(log, ['wrote aaaa', 'half: gone', 'waiting: gone'])
  t.equal(output.unsent, 2)
  t.equal(output.queuedBytes, 0, 'none of it waits')
  t.equal(push('late', 'late'), false)
  t.equal(push('silent'), false)
  await turns(2)
  t.equal(log.at(-1), 'late: gone', 'asynchronously, too')
  output.discard()
  await turns(1)
  t.notOk(log.includes('drain'))
})

t.test('ChatOutput: a write that fails ends it with the transport\'s error', async (t) => {
  const { output, transport, push, answer, log } = rig({ isSlow: true, highWaterMark: 1 })
  push('abc', 'first')
  output.start(transport)
  await turns(2)
  push('def', 'second')
  answer(new Error('EPIPE'))
  await turns(2)
  t.same(log, ['wrote abc', 'first: EPIPE', 'second: EPIPE'])
  t.equal(output.unsent, 2)
})

t.test('ChatOutput: end() comes when all was given to the transport, finish() when all is written', async (t) => {
  const { output, transport, push, answer, log } = rig({ isSlow: true, highWaterMark: 100, mark: 4 })
  push('aaaabb', 'long')
  output.end((given) => log.push(`ended ${given === transport}`))
  t.equal(push('late', 'late'), false)
  await turns(2)
  t.same(log.splice(0), ['late: ERR_CHANNEL_CLOSED'], 'nothing else before it has a transport')
  let isFinished = false
  const finish = async (): Promise<void> => {
    t.equal(await output.finish(), transport)
    isFinished = true
  }
  const finished = finish()
  output.start(transport)
  await turns(3)
  t.same(log, ['wrote aaaa', 'ended true'])
  t.equal(isFinished, false)
  answer()
  await turns(2)
  t.equal(isFinished, false)
  answer()
  await withinTurns(finished)
  await turns(1)
  t.same(log.slice(2), ['wrote bb', 'drain', 'called long'])
  await withinTurns(output.finish())
})

t.test('ChatOutput: finish() rejects where it never will be', async (t) => {
  const before = rig()
  before.output.fail(new Error('before'))
  await t.rejects(withinTurns(before.output.finish()), { message: 'before' })
  const during = rig({ isSlow: true })
  during.push('abc')
  during.output.start(during.transport)
  const finished = during.output.finish()
  await turns(2)
  during.output.fail(new Error('during'))
  await t.rejects(withinTurns(finished), { message: 'during' })
  const idle = rig()
  idle.output.start(idle.transport)
  t.equal(await withinTurns(idle.output.finish()), idle.transport, 'at once where nothing waits')
})

t.test('ChatOutput: what is pushed comes out in order, whatever its kind, mark and transport', async (t) => {
  const piece = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 9 })
  const kinds: ((text: string) => Source)[] = [
    (text) => text,
    (text) => Buffer.from(text),
    (text) => [text.slice(0, 2), text.slice(2)].filter((part) => part !== ''),
    (text) => {
      const parts = text.split('')
      return { more: () => parts.shift() ?? null }
    },
    (text) =>
      (async function* () {
        await turns(1)
        if (text !== '') yield text
      })(),
  ]
  const pushes = fc.array(fc.tuple(piece, fc.nat({ max: kinds.length - 1 })), { maxLength: 12 })
  const property = fc.asyncProperty(pushes, fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 30 }), async (list, mark, highWaterMark) => {
    const { output, transport, push, written, log } = rig({ mark, highWaterMark })
    output.start(transport)
    for (const [index, [text, kind]] of list.entries()) {
      push((kinds[kind] as (text: string) => Source)(text), `${index}`)
      if (index % 3 === 2) await turns(1)
    }
    await withinTurns(output.finish())
    await turns(1)
    const called = log.filter((line) => line.startsWith('called')).join()
    return (
      textOf(written) === list.map(([text]) => text).join('') &&
      called === list.map((_, index) => `called ${index}`).join() &&
      written.every(({ length }) => length <= mark) &&
      output.queuedBytes === 0 &&
      output.unsent === 0
    )
  })
  await t.resolves(fc.assert(property, { numRuns: 80 }))
})

t.test('AsyncChat.push: 100,000 pushes of 32 bytes reach the transport in at most 100 writes', async (t) => {
  const [near, far] = duplexPair({ highWaterMark: 65_536 })
  let writes = 0
  const write = near.write.bind(near) as (...args: unknown[]) => boolean
  near.write = ((...args: unknown[]) => {
    writes++
    return write(...args)
  }) as typeof near.write
  let length = 0
  far.on('data', (chunk: Buffer) => (length += chunk.length))
  const chat = new AsyncChat(near)
  const line = Buffer.alloc(32, 'x')
  let called = 0
  for (let count = 0; count < 100_000; count++) chat.push(line, () => called++)
  t.equal(chat.queuedBytes, 3_200_000)
  await until('all is written', () => called === 100_000)
  t.equal(length, 3_200_000)
  t.ok(writes <= 100, `${writes} writes`)
  t.equal(chat.queuedBytes, 0)
  chat.close()
})

t.test('AsyncChat.handleError: may push an answer after a source has failed', async (t) => {
  const [near, far] = duplexPair()
  let text = ''
  far.on('data', (chunk) => (text += String(chunk))).on('end', () => far.end())
  const errors: string[] = []
  const chat = new AsyncChat(near, {
    handleError(error) {
      errors.push(error.message)
      this.push('500 sorry')
      this.closeWhenDone()
    },
  })
  chat.pushWithProducer(() => {
    throw new Error('the disk is gone')
  })
  const { error, unsent } = await withinTurns(chat.whenClosed)
  t.same(errors, ['the disk is gone'])
  t.equal(text, '500 sorry')
  t.equal(unsent, 1)
  t.equal(error, undefined)
})

t.test('AsyncChat.handleError: a source that fails closes the channel with its error where the hook is not given', async (t) => {
  const [near] = duplexPair()
  const chat = new AsyncChat(near)
  chat.pushWithProducer(() => {
    throw new Error('the disk is gone')
  })
  t.match(await withinTurns(chat.whenClosed), { error: { message: 'the disk is gone' }, unsent: 1 })
})
