/** What is pushed goes out in that order, and every source is answered for once, whatever becomes of it. */

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { AsyncChat, createChatServer } from '../../src/index.js'
import { turns } from '../support/consumers.js'
import { type Fate, Failure, type Made, OrderModel, type Spec, anySpec, hasCleanup, make, piecesOf } from '../support/order-model.js'
import { type Delay, LINKS, Strays, Wire, allOf, listening, quiet } from '../support/wire.js'

const strays = new Strays()
t.teardown(() => strays.stop())

const ACTIONS = ['nothing', 'discard', 'closeWhenDone', 'close', 'peer gone', 'error'] as const
type Action = (typeof ACTIONS)[number]

interface Batch {
  readonly specs: readonly Spec[]
  readonly action: Action
}

/** Pushes sources to a channel, and notes what becomes of each. */
class Pusher {
  readonly chat: AsyncChat
  readonly made: Made[] = []
  readonly specs: Spec[] = []
  /** Callbacks, in the order in which they were called. */
  readonly answers: { readonly id: number; readonly error: Error | null }[] = []
  /** What `push` threw. */
  readonly refusals: unknown[] = []
  /** Everything that happens. */
  eventCount = 0

  constructor(chat: AsyncChat) {
    this.chat = chat
  }

  push(spec: Spec): void {
    const id = this.made.length
    const made = make(id, spec, () => {
      this.eventCount++
      for (const length of spec.pushes) this.push({ kind: 'chunk', sizes: [length], end: 'end', pushes: [] })
    })
    try {
      this.chat.pushWithProducer(made.source, (error) => {
        this.eventCount++
        this.answers.push({ id, error: error ?? null })
      })
    } catch (error) {
      this.refusals.push(error)
      return
    }
    this.made.push(made)
    this.specs.push(spec)
  }

  /** The sources among these that were called back for, in the order of the callbacks. */
  idsAmong(ids: readonly number[]): number[] {
    return this.answers.map(({ id }) => id).filter((id) => ids.includes(id))
  }

  /** How often each source was cleaned up, where that can be seen, and how often it should have been. */
  cleanups(): { readonly seen: number[]; readonly wanted: number[] } {
    const seen: number[] = []
    const wanted: number[] = []
    for (const { id, error } of this.answers.toSorted((a, b) => a.id - b.id)) {
      const spec = this.specs[id] as Spec
      if (!hasCleanup(spec)) continue
      const { cleanupCount, hasEnded, cleansUpAtEnd, cleansUpAtFailure } = this.made[id] as Made
      const failedItself = error instanceof Failure && error.id === id
      // Whether its end came in time is the channel's to know: it was not written, and has nothing left to give.
      if (error !== null && !failedItself && hasEnded() && cleanupCount < 2) continue
      seen.push(cleanupCount)
      wanted.push(Number(error === null ? cleansUpAtEnd : cleansUpAtFailure || !failedItself))
    }
    return { seen, wanted }
  }
}

function fateOf(error: Error | null): Fate {
  if (error === null) return 'written'
  return (error as { code?: unknown }).code === 'ERR_DISCARDED' ? 'discarded' : 'failed'
}

interface Closes {
  closeCount: number
  errorCount: number
}

function chatOver(wire: Wire, acOutBufferSize: number): { chat: AsyncChat; closes: Closes } {
  const closes: Closes = { closeCount: 0, errorCount: 0 }
  const chat = new AsyncChat(wire, {
    acOutBufferSize,
    lingerTimeout: 0,
    handleError: () => void closes.errorCount++,
    handleClose: () => void closes.closeCount++,
  })
  return { chat, closes }
}

const ACT: Record<Action, (chat: AsyncChat, wire: Wire) => void> = {
  nothing: () => {},
  discard: (chat) => chat.discardBuffers(),
  closeWhenDone: (chat) => chat.closeWhenDone(),
  close: (chat) => chat.close(),
  'peer gone': (_chat, wire) => void wire.destroy(),
  error: (_chat, wire) => void wire.destroy(new Error('reset')),
}

function actOnModel(model: OrderModel, action: Action): void {
  if (action === 'nothing') return
  if (action === 'discard') model.drop('discarded')
  const isOpen = model.refuses === 'no'
  const isOurs = action === 'closeWhenDone' || action === 'close'
  if (action !== 'discard' && isOpen) model.refuses = isOurs ? 'throws' : 'false'
  // What waits after closeWhenDone() waits on, unless something else ends the channel.
  if (action !== 'discard' && action !== 'closeWhenDone') model.drop('failed')
}

const delays: fc.Arbitrary<readonly Delay[]> = fc.array(fc.constantFrom<Delay>('at once', 'next tick', 1, 3), { minLength: 1, maxLength: 5 })
const anything = anySpec(['end', 'end', 'end', 'fail', 'never'])
const sizes = fc.constantFrom(1, 3, 16, 64, 65_536)

const batches: fc.Arbitrary<readonly Batch[]> = fc.array(
  fc.record({
    specs: fc.array(anything, { maxLength: 6 }),
    action: fc.oneof({ weight: 3, arbitrary: fc.constant<Action>('nothing') }, { weight: 4, arbitrary: fc.constantFrom(...ACTIONS) }),
  }),
  { maxLength: 5 },
)

t.test('AsyncChat: writes what is pushed in order, and answers for each source once, as the model does', async (t) => {
  const property = fc.asyncProperty(batches, delays, sizes, sizes, async (batches, delays, acOutBufferSize, highWaterMark) => {
    const wire = new Wire({ delays, highWaterMark })
    const { chat, closes } = chatOver(wire, acOutBufferSize)
    const pusher = new Pusher(chat)
    const model = new OrderModel()
    const calm = (): Promise<void> => quiet(() => pusher.eventCount + wire.writeCount + closes.closeCount + closes.errorCount)
    await calm()
    for (const { specs, action } of batches) {
      const wasOpen = model.refuses === 'no'
      for (const spec of specs) {
        pusher.push(spec)
        model.push(spec)
      }
      model.run()
      await calm()
      assert.equal(wire.written.toString(), model.output)
      ACT[action](chat, wire)
      actOnModel(model, action)
      // A source that was in the way may have been dropped.
      model.run()
      await calm()
      assert.equal(wire.written.toString(), model.output)
      assert.deepEqual(fatesOf(pusher, model), model.fates)
      if (wasOpen && model.refuses === 'no') assert.equal(closes.errorCount, model.failures)
    }
    chat.close()
    model.drop('failed')
    await calm()
    assert.deepEqual(fatesOf(pusher, model), model.fates)
    assert.deepEqual(pusher.idsAmong(model.taken), model.taken, 'callbacks come in the order of the pushes')
    assert.equal(pusher.answers.length, model.fates.length, 'one callback for each')
    const { seen, wanted } = pusher.cleanups()
    assert.deepEqual(seen, wanted, 'cleanups')
    assert.equal(closes.closeCount, 1)
    assert.equal(wire.destroyCount, 1)
    for (const refusal of pusher.refusals) assert.equal((refusal as { code?: unknown }).code, 'ERR_CHANNEL_CLOSED')
  })
  await t.resolves(fc.assert(property, { numRuns: 400 }))
})

/** What has become of each source as far as the callbacks say. */
function fatesOf(pusher: Pusher, model: OrderModel): Fate[] {
  const fates: Fate[] = model.fates.map(() => 'waiting')
  for (const { id, error } of pusher.answers) fates[id] = fateOf(error)
  return fates
}

type Step = { readonly kind: 'push'; readonly spec: Spec } | { readonly kind: 'act'; readonly action: Action } | { readonly kind: 'turns'; readonly count: number }

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: anything.map((spec): Step => ({ kind: 'push', spec })) },
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 4 }).map((count): Step => ({ kind: 'turns', count })) },
    { weight: 2, arbitrary: fc.constantFrom<Action>('discard', 'discard', 'closeWhenDone', 'close', 'peer gone', 'error').map((action): Step => ({ kind: 'act', action })) },
  ),
  { maxLength: 20 },
)

t.test('AsyncChat: cut off at any moment, has written whole what it says it has, and a beginning of the rest, in order', async (t) => {
  const property = fc.asyncProperty(steps, delays, sizes, sizes, async (steps, delays, acOutBufferSize, highWaterMark) => {
    const wire = new Wire({ delays, highWaterMark })
    const { chat, closes } = chatOver(wire, acOutBufferSize)
    const pusher = new Pusher(chat)
    const calm = (): Promise<void> => quiet(() => pusher.eventCount + wire.writeCount + closes.closeCount + closes.errorCount)
    let takenCount = Infinity
    for (const step of steps) {
      if (step.kind === 'push') pusher.push(step.spec)
      else if (step.kind === 'turns') await turns(step.count)
      else {
        ACT[step.action](chat, wire)
        if (step.action !== 'discard') takenCount = Math.min(takenCount, pusher.made.length)
      }
    }
    await calm()
    chat.close()
    await calm()
    const taken = pusher.made.map((_, id) => id).slice(0, takenCount)
    assert.deepEqual(pusher.idsAmong(taken), taken, 'callbacks come in the order of the pushes')
    assert.deepEqual(pusher.answers.map(({ id }) => id).toSorted((a, b) => a - b), pusher.made.map((_, id) => id), 'one callback for each')
    const { seen, wanted } = pusher.cleanups()
    assert.deepEqual(seen, wanted, 'cleanups')
    assert.equal(closes.closeCount, 1)
    assert.equal(restOf(wire.written.toString(), pusher), '', 'nothing but what was pushed, in its order')
  })
  await t.resolves(fc.assert(property, { numRuns: 400 }))
})

/** What is left of the output without each source's part, in order. Throws where a source is said to be written and is not. */
function restOf(output: string, { answers, specs }: Pusher): string {
  let rest = output
  for (const { id, error } of answers.toSorted((a, b) => a.id - b.id)) {
    const text = piecesOf(id, (specs[id] as Spec).sizes).join('')
    let length = 0
    while (length < text.length && rest[length] === text[length]) length++
    if (error === null) assert.equal(length, text.length, `source ${id} is written whole`)
    rest = rest.slice(length)
  }
  // The last character may be half written: it is of two bytes.
  return rest === '\uFFFD' ? '' : rest
}

for (const link of LINKS) {
  t.test(`AsyncChat: over ${link.name}, writes sources of every kind in order, up to the one that fails`, async (t) => {
    const property = fc.asyncProperty(fc.array(anySpec(['end', 'end', 'end', 'end', 'fail']), { maxLength: 30 }), sizes, async (specs, acOutBufferSize) => {
      const model = new OrderModel()
      for (const spec of specs) model.push(spec)
      model.run()
      const pushers: Pusher[] = []
      const server = createChatServer((socket) => {
        const chat = new AsyncChat(socket, {
          acOutBufferSize,
          handleError: () => {},
          handleConnect() {
            for (const spec of specs) pusher.push(spec)
            this.closeWhenDone()
          },
        })
        const pusher = new Pusher(chat)
        pushers.push(pusher)
        return chat
      }, link.options)
      const { socket } = await link.connect(await listening(server))
      const got = allOf(socket)
      assert.equal((await got).toString(), withoutLatePushes(specs).output)
      socket.end()
      await server.close()
      const [pusher] = pushers as [Pusher]
      assert.equal(pusher.answers.length, pusher.made.length)
      assert.deepEqual(pusher.answers.map(({ id }) => id), pusher.made.map((_, id) => id))
      const { seen, wanted } = pusher.cleanups()
      assert.deepEqual(seen, wanted, 'cleanups')
    })
    await t.resolves(fc.assert(property, { numRuns: 15 }))
  })
}

/** After `closeWhenDone()` a source that pushes fails: pushing throws inside of it, which the test keeps to itself. */
function withoutLatePushes(specs: readonly Spec[]): OrderModel {
  const model = new OrderModel()
  for (const spec of specs) model.push({ ...spec, pushes: [] })
  model.run()
  return model
}

/** How deep the stack is here. */
function depth(): number {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = Infinity
  const lines = (new Error().stack as string).split('\n').length
  Error.stackTraceLimit = stackTraceLimit
  return lines
}

const COUNT = 100_000

t.test('AsyncChat: 100,000 sources that end at once, or that push the next one, use no stack', async (t) => {
  const CASES: { readonly name: string; readonly fill: (chat: AsyncChat, onAsk: () => void, done: () => void) => void; readonly want: number }[] = [
    {
      name: 'that end at once',
      fill: (chat, onAsk, done) => {
        for (let i = 0; i < COUNT; i++) chat.pushWithProducer({ more: () => (onAsk(), null) }, i === COUNT - 1 ? done : undefined)
      },
      want: 0,
    },
    {
      name: 'iterables that end at once',
      fill: (chat, onAsk, done) => {
        const empty = { [Symbol.iterator]: () => ({ next: () => (onAsk(), { done: true as const, value: undefined }) }) }
        for (let i = 0; i < COUNT; i++) chat.pushWithProducer(empty as Iterable<string>, i === COUNT - 1 ? done : undefined)
      },
      want: 0,
    },
    {
      name: 'a producer that pushes 100,000 times',
      fill: (chat, onAsk, done) => {
        let i = 0
        const more = (): string | null => {
          onAsk()
          chat.push('x', i === COUNT - 1 ? done : undefined)
          return ++i < COUNT ? 'y' : null
        }
        chat.pushWithProducer({ more })
      },
      want: 2 * COUNT - 1,
    },
    {
      name: 'each of which pushes the next',
      fill: (chat, onAsk, done) => {
        let i = 0
        const pushNext = (): void => {
          const isLast = ++i === COUNT
          const more = (): null => {
            onAsk()
            if (!isLast) pushNext()
            return null
          }
          chat.pushWithProducer({ more }, isLast ? done : undefined)
        }
        pushNext()
      },
      want: 0,
    },
  ]
  for (const { name, fill, want } of CASES) {
    const wire = new Wire()
    const chat = new AsyncChat(wire)
    let askCount = 0
    let deepest = 0
    const onAsk = (): void => {
      if (askCount++ % 1000 === 999) deepest = Math.max(deepest, depth())
    }
    await new Promise<void>((resolve, reject) => fill(chat, onAsk, () => resolve()) ?? void chat.whenClosed.then(({ error }) => reject(error)))
    t.equal(askCount, COUNT, name)
    t.equal(wire.written.length, want, `${name}: bytes`)
    t.ok(deepest < 60, `${name}: ${deepest} calls deep`)
    chat.close()
  }
})

t.test('AsyncChat: 100,000 pushes of 32 bytes are at most 100 writes', async (t) => {
  const line = 'x'.repeat(32)
  for (const link of LINKS) {
    let writeCount = 0
    let wasCalledBack = 0
    const server = createChatServer(
      (socket) => {
        const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
        socket.write = (...args: unknown[]) => {
          writeCount++
          return write(...args)
        }
        return new AsyncChat(socket, {
          handleConnect() {
            for (let i = 0; i < COUNT; i++) this.push(line, () => void wasCalledBack++)
            this.closeWhenDone()
          },
        })
      },
      link.options,
    )
    const { socket } = await link.connect(await listening(server))
    const got = await allOf(socket)
    socket.end()
    await server.close()
    t.equal(got.length, COUNT * 32, `${link.name}: all bytes come`)
    t.equal(wasCalledBack, COUNT, `${link.name}: callbacks`)
    t.ok(writeCount > 0 && writeCount <= 100, `${link.name}: ${writeCount} writes`)
  }
})

t.test('AsyncChat: pushes before the connection go out when it is there, in order', async (t) => {
  const server = createChatServer(AsyncChat, {})
  const port = await listening(server)
  const got: Promise<Buffer>[] = []
  server.on('channel', (channel) => got.push(channel.readFrame(10) as Promise<Buffer>))
  const chat = new AsyncChat(connect({ port, host: '127.0.0.1' }))
  for (let i = 0; i < 10; i++) chat.push(String(i))
  chat.closeWhenDone()
  await chat.whenClosed
  t.equal(String(await got[0]), '0123456789')
  await server.close()
})

t.test('AsyncChat: in all of this nothing was rejected or thrown that nobody takes', async (t) => {
  t.strictSame(strays.list, [])
})
