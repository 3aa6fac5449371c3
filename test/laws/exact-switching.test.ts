import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import t from 'tap'
import { FrameScanner, TerminatorSplitter } from '../../src/index.js'
import type { Terminator } from '../../src/index.js'
import { consumers, ended, onData, textOf, turn, turns, withinTurns } from '../support/consumers.js'
import type { Consumer } from '../support/consumers.js'
import {
  anyScript,
  anyTerminator,
  chunkSizes,
  codeOf,
  cut,
  holds,
  inputBytes,
  replay,
  show
} from '../support/scripts.js'
import type { Outcome, Taken } from '../support/scripts.js'

/** When the chunks are written, seen from the consumer. */
const TIMINGS = [
  'all before the consumer',
  'all at once after it',
  'a chunk a turn',
  'a chunk a microtask',
  'corked',
  'corked in pairs, a pair a turn',
  'with regard to back-pressure'
] as const
type Timing = (typeof TIMINGS)[number]

const nothing = async (): Promise<void> => {}

/** What is done around the write of chunk i: before it, and after it with what write() returned. */
const AROUND: Record<
  Timing,
  {
    readonly before?: (splitter: TerminatorSplitter, i: number) => void
    readonly after: (splitter: TerminatorSplitter, i: number, goesOn: boolean) => Promise<void>
  }
> = {
  'all before the consumer': { after: nothing },
  'all at once after it': { after: nothing },
  'a chunk a turn': { after: turn },
  'a chunk a microtask': { after: nothing },
  corked: {
    before: (splitter, i) => {
      if (i === 0) splitter.cork()
    },
    after: nothing
  },
  'corked in pairs, a pair a turn': {
    before: (splitter, i) => {
      if (i % 2 === 0) splitter.cork()
    },
    after: async (splitter, i) => {
      if (i % 2 === 0) return
      splitter.uncork()
      await turn()
    }
  },
  'with regard to back-pressure': {
    after: (splitter, _i, goesOn) => (goesOn ? nothing() : drained(splitter))
  }
}

const isAsynchronous = (timing: Timing): boolean =>
  !['all before the consumer', 'all at once after it', 'corked'].includes(timing)

const write = async (
  splitter: TerminatorSplitter,
  chunks: readonly Buffer[],
  timing: Timing,
  onWrite: (chunk: Buffer) => void = () => {}
): Promise<void> => {
  const { before, after } = AROUND[timing]
  for (const [i, chunk] of chunks.entries()) {
    if (splitter.destroyed) return
    before?.(splitter, i)
    // A handler may run inside write(): what it sees as written is written.
    onWrite(chunk)
    const goesOn = splitter.write(chunk)
    // Nobody else has a turn between cork() and uncork().
    if (isAsynchronous(timing) && (splitter.writableCorked === 0 || i % 2 === 1)) {
      await after(splitter, i, goesOn)
    }
  }
  if (!splitter.destroyed) splitter.end()
}

const drained = (splitter: TerminatorSplitter): Promise<void> =>
  new Promise(resolve => {
    const done = (): void => {
      splitter.off('drain', done).off('close', done)
      resolve()
    }
    splitter.on('drain', done).on('close', done)
  })

const asTaken = (frame: unknown, withDetails: boolean): Taken =>
  withDetails ? (frame as Taken) : { data: frame as Buffer }

interface Plan {
  readonly input: Buffer
  readonly sizes: number[]
  readonly timing: Timing
  readonly initial: Terminator
  readonly script: (Terminator | undefined)[]
  readonly withDetails: boolean
  readonly keepTerminator: boolean
  readonly rearmCount: boolean
  readonly tail: 'emit' | 'error' | 'drop' | undefined
  readonly writableHighWaterMark: number
}

const anyPlan: fc.Arbitrary<Plan> = fc.record({
  input: inputBytes,
  sizes: chunkSizes,
  timing: fc.constantFrom(...TIMINGS),
  initial: anyTerminator,
  script: anyScript,
  withDetails: fc.boolean(),
  keepTerminator: fc.boolean(),
  rearmCount: fc.boolean(),
  tail: fc.constantFrom(undefined, undefined, 'emit' as const, 'error' as const, 'drop' as const),
  writableHighWaterMark: fc.constantFrom(1, 4, 65_536)
})

const scannerOptions = (plan: Plan): { keepTerminator: boolean; rearmCount: boolean } & {
  tail?: 'emit' | 'error' | 'drop'
} => ({
  keepTerminator: plan.keepTerminator,
  rearmCount: plan.rearmCount,
  ...(plan.tail === undefined ? {} : { tail: plan.tail })
})

const isExact = async (consumer: Consumer, plan: Plan): Promise<void> => {
  const splitter = new TerminatorSplitter(plan.initial, {
    ...scannerOptions(plan),
    details: plan.withDetails,
    writableHighWaterMark: plan.writableHighWaterMark
  })
  // A chunk that is written after an error must not take the process down.
  splitter.on('error', () => {})
  const taken: Taken[] = []
  let code: string | null = null
  const consume = (): Promise<void> =>
    consumer.consume(splitter, frame => {
      taken.push(asTaken(frame, plan.withDetails))
      const next = plan.script[taken.length - 1]
      if (next !== undefined) splitter.setTerminator(next)
    })
  const chunks = cut(plan.input, plan.sizes)
  const isBefore = plan.timing === 'all before the consumer'
  if (isBefore) await write(splitter, chunks, plan.timing)
  const consumption = consume()
  const writing = isBefore ? Promise.resolve() : write(splitter, chunks, plan.timing)
  try {
    await withinTurns(Promise.all([consumption, writing]))
  } catch (error) {
    code = codeOf(error)
  }
  splitter.destroy()
  isSame(
    { frames: taken, code },
    replay(plan.input, plan.initial, plan.script, scannerOptions(plan), taken),
    plan.withDetails
  )
}

/** Frames of a count of 0 that is set when no byte is left have a test of their own. */
const isSame = (outcome: Outcome, expected: Outcome, withDetails: boolean): void => {
  const frames = expected.frames.slice()
  while (frames.length > outcome.frames.length && isOfZero(frames.at(-1))) frames.pop()
  assert.deepEqual(show(outcome, withDetails), show({ ...expected, frames }, withDetails))
}

const isOfZero = (frame: Taken | undefined): boolean =>
  frame?.data.length === 0 && frame.ending === 'count'

t.test('TerminatorSplitter: is exact in every way of consuming', async t => {
  for (const consumer of consumers) {
    await holds(t, consumer.name, fc.asyncProperty(anyPlan, plan => isExact(consumer, plan)), 250)
  }
})

t.test('TerminatorSplitter: is exact by batches of one frame', async t => {
  const single: Consumer = {
    name: 'batches(1)',
    consume: async (splitter, onFrame) => {
      for await (const batch of (splitter as TerminatorSplitter).batches(1)) {
        for (const frame of batch) onFrame(frame)
      }
    }
  }
  await holds(t, 'batches(1)', fc.asyncProperty(anyPlan, plan => isExact(single, plan)), 250)
})

t.test('TerminatorSplitter: batches are switched after the batch', async t => {
  await holds(t, 'batches(max)', fc.asyncProperty(anyPlan, fc.integer({ min: 1, max: 5 }), async (plan, max) => {
        const splitter = new TerminatorSplitter(plan.initial, {
          ...scannerOptions(plan),
          details: plan.withDetails
        })
        splitter.on('error', () => {})
        const writing = write(splitter, cut(plan.input, plan.sizes), plan.timing)
        const taken: Taken[] = []
        const switches: (Terminator | undefined)[] = []
        let batchCount = 0
        let code: string | null = null
        const consume = async (): Promise<void> => {
          for await (const batch of splitter.batches(max)) {
            assert.ok(batch.length >= 1 && batch.length <= max, `a batch of ${batch.length}`)
            for (const frame of batch) taken.push(asTaken(frame, plan.withDetails))
            const next = plan.script[batchCount++]
            if (next === undefined) continue
            switches[taken.length - 1] = next
            splitter.setTerminator(next)
          }
        }
        try {
          await withinTurns(Promise.all([consume(), writing]))
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error
          code = codeOf(error)
        }
        splitter.destroy()
        isSame(
          { frames: taken, code },
          replay(plan.input, plan.initial, switches, scannerOptions(plan), taken),
          plan.withDetails
        )
      }), 600)
})

t.test('TerminatorSplitter: gives the frame of a count of 0 at the end of the input too', async t => {
  for (const zero of [0, { until: 0 }] satisfies Terminator[]) {
    for (const consumer of consumers) {
      for (const timing of ['all before the consumer', 'a chunk a turn'] as const) {
        const label = `${consumer.name}, ${timing}, ${JSON.stringify(zero)}`
        const splitter = new TerminatorSplitter('\n')
        const frames: string[] = []
        const consume = (): Promise<void> =>
          consumer.consume(splitter, frame => {
            frames.push(textOf(frame))
            if (frames.length === 1) splitter.setTerminator(zero)
          })
        if (timing === 'all before the consumer') splitter.end('a\n')
        const done = consume()
        if (timing === 'a chunk a turn') {
          splitter.write('a\n')
          await turns(2)
          splitter.end()
        }
        await withinTurns(done)
        t.same(frames, ['a', ''], label)
        const empty = new TerminatorSplitter(zero)
        if (timing === 'all before the consumer') empty.end()
        const others: string[] = []
        const over = consumer.consume(empty, frame => others.push(textOf(frame)))
        if (timing === 'a chunk a turn') setImmediate(() => empty.end())
        await withinTurns(over)
        t.same(others, [''], `${label}, no input`)
      }
    }
  }
})

// -- pieces ------------------------------------------------------------------

interface Piece {
  readonly data: Buffer
  readonly ending: string | null
}

/** The frame that begins at `rest`, under a terminator that has just been set. */
const frameAt = (rest: Uint8Array, terminator: Terminator): { data: Buffer; ending: string } | null => {
  const scanner = new FrameScanner({ terminator, tail: 'emit' })
  scanner.write(rest)
  scanner.end()
  const frame = scanner.read()
  return frame === null ? null : { data: Buffer.from(frame), ending: String(scanner.ending) }
}

const keepsPieceLaw = (
  input: Buffer,
  initial: Terminator,
  switches: readonly (Terminator | undefined)[],
  pieces: readonly Piece[]
): void => {
  let terminator = initial
  let rest = input
  let soFar = Buffer.alloc(0)
  let isOpen = false
  for (const [i, piece] of pieces.entries()) {
    const label = `piece ${i} ${JSON.stringify(piece.data.toString())} of ${JSON.stringify(rest.toString())} under ${JSON.stringify(terminator)}`
    soFar = Buffer.concat([soFar, piece.data])
    const next = switches[i]
    if (terminator === null) {
      assert.equal(piece.ending, 'piece', label)
      assert.ok(piece.data.length > 0, label)
      assert.deepEqual(piece.data, rest.subarray(0, piece.data.length), label)
      rest = rest.subarray(piece.data.length)
      soFar = Buffer.alloc(0)
    } else {
      // A frame that goes on under a terminator for which nothing is left ends with the input.
      const whole: { data: Buffer; ending: string } | null =
        frameAt(rest, terminator) ?? (isOpen ? { data: rest, ending: 'eof' } : null)
      assert.ok(whole, label)
      if (piece.ending === null) {
        assert.ok(piece.data.length > 0, label)
        assert.deepEqual(soFar, whole.data.subarray(0, soFar.length), label)
      } else {
        assert.deepEqual(soFar.toString(), whole.data.toString(), label)
        assert.equal(piece.ending, whole.ending, label)
        rest = rest.subarray(soFar.length)
        if (whole.ending === 'terminator') rest = rest.subarray(matchedLength(rest, terminator))
        soFar = Buffer.alloc(0)
        if (terminator === 0) terminator = null
      }
    }
    isOpen = piece.ending === null
    if (next !== undefined) {
      // Bytes that were delivered are gone; the new one rules from here on.
      rest = rest.subarray(soFar.length)
      soFar = Buffer.alloc(0)
      terminator = next
    }
  }
  assert.deepEqual(rest.subarray(soFar.length).toString(), '', 'every byte was delivered')
}

const matchedLength = (rest: Buffer, terminator: Terminator): number => {
  const list = (Array.isArray(terminator) ? terminator : [terminator]) as string[]
  return Math.max(...list.map(text => (rest.indexOf(text) === 0 ? Buffer.byteLength(text) : 0)))
}

const plainTerminator: fc.Arbitrary<Terminator> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Terminator>('a', 'ab', ',\n', 'aab', 'b,', '\n\n') },
  { weight: 2, arbitrary: fc.constantFrom<Terminator>(['ab', '\n'], ['a,', 'bb', '\n'], ['aa', 'ba,']) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 7 }) },
  { weight: 1, arbitrary: fc.constantFrom<Terminator>(0, null) }
)

t.test('TerminatorSplitter: is exact in every way of consuming pieces', async t => {
  const plan = fc.record({
    input: inputBytes,
    sizes: chunkSizes,
    timing: fc.constantFrom(...TIMINGS),
    initial: plainTerminator,
    script: fc.array(fc.option(plainTerminator, { nil: undefined, freq: 2 }), { maxLength: 14 })
  })
  for (const consumer of consumers) {
    await holds(t, consumer.name, fc.asyncProperty(plan, async ({ input, sizes, timing, initial, script }) => {
          const splitter = new TerminatorSplitter(initial, { pieces: true, tail: 'emit' })
          const pieces: Piece[] = []
          const writing = write(splitter, cut(input, sizes), timing)
          const consumption = consumer.consume(splitter, piece => {
            pieces.push(piece as Piece)
            const next = script[pieces.length - 1]
            if (next !== undefined) splitter.setTerminator(next)
          })
          await withinTurns(Promise.all([consumption, writing]))
          keepsPieceLaw(input, initial, script, pieces)
        }), 80)
  }
})

// -- text --------------------------------------------------------------------

const text = fc
  .string({ unit: fc.constantFrom('a', '\n', 'é', '€', '😀', '\u{feff}'), maxLength: 16 })
  .map(value => Buffer.from(value))

t.test('TerminatorSplitter: is exact with text frames', async t => {
  const terminator = fc.constantFrom<Terminator>('\n', 'é', ['€', '\n'], '😀', 1, 2, 5)
  const plan = fc.record({
    input: text,
    sizes: chunkSizes,
    timing: fc.constantFrom(...TIMINGS),
    initial: terminator,
    script: fc.array(fc.option(terminator, { nil: undefined, freq: 2 }), { maxLength: 10 })
  })
  for (const consumer of consumers) {
    await holds(t, consumer.name, fc.asyncProperty(plan, async ({ input, sizes, timing, initial, script }) => {
          const options = { tail: 'emit' } as const
          const splitter = new TerminatorSplitter(initial, { ...options, encoding: 'utf8' })
          const taken: string[] = []
          const writing = write(splitter, cut(input, sizes), timing)
          const consumption = consumer.consume(splitter, frame => {
            taken.push(frame as string)
            const next = script[taken.length - 1]
            if (next !== undefined) splitter.setTerminator(next)
          })
          await withinTurns(Promise.all([consumption, writing]))
          const expected = replay(input, initial, script, options, [])
          assert.deepEqual(
            taken,
            expected.frames.map(frame => frame.data.toString('utf8'))
          )
        }), 80)
  }
})

t.test('TerminatorSplitter: loses no character when text goes to null and back', async t => {
  const plan = fc.record({
    input: text,
    sizes: chunkSizes,
    timing: fc.constantFrom(...TIMINGS),
    initial: fc.constantFrom<Terminator>('\n', null),
    script: fc.array(fc.option(fc.constantFrom<Terminator>('\n', null), { nil: undefined, freq: 1 }), {
      maxLength: 12
    })
  })
  for (const consumer of consumers) {
    await holds(t, consumer.name, fc.asyncProperty(plan, async ({ input, sizes, timing, initial, script }) => {
          const splitter = new TerminatorSplitter(initial, { encoding: 'utf8' })
          const taken: string[] = []
          const writing = write(splitter, cut(input, sizes), timing)
          const consumption = consumer.consume(splitter, frame => {
            taken.push(frame as string)
            const next = script[taken.length - 1]
            if (next !== undefined) splitter.setTerminator(next)
          })
          await withinTurns(Promise.all([consumption, writing]))
          const frames = taken.map(value => ({ data: Buffer.from(value) }))
          const expected = replay(input, initial, script, {}, frames)
          assert.deepEqual(
            taken,
            expected.frames.map(frame => frame.data.toString('utf8'))
          )
        }), 80)
  }
})

// -- a terminator that comes from somewhere else -----------------------------

const collect = (splitter: Readable): string[] => {
  const frames: string[] = []
  splitter.on('data', frame => frames.push(textOf(frame)))
  return frames
}

t.test('TerminatorSplitter: obeys a terminator set after the bytes came and before anyone consumes', async t => {
  for (const consumer of consumers) {
    for (const waits of [0, 3]) {
      for (const isEnded of [false, true]) {
        const splitter = new TerminatorSplitter('\n')
        splitter.write('a\nb;c')
        splitter.write('\nd;e')
        if (isEnded) splitter.end()
        await turns(waits)
        splitter.setTerminator(';')
        await turns(waits)
        const frames: string[] = []
        const consumption = consumer.consume(splitter, frame => frames.push(textOf(frame)))
        if (!isEnded) splitter.end()
        await withinTurns(consumption)
        t.same(frames, ['a\nb', 'c\nd', 'e'], `${consumer.name}, ${waits} turns, ended: ${isEnded}`)
      }
    }
  }
})

t.test('TerminatorSplitter: obeys a terminator set while paused', async t => {
  for (const when of ['in the handler', 'a turn later']) {
    const splitter = new TerminatorSplitter('\n')
    const frames: string[] = []
    const done = ended(splitter)
    onData(splitter, async frame => {
      frames.push(textOf(frame))
      if (frames.length > 1) return
      splitter.pause()
      if (when === 'a turn later') await turns(2)
      splitter.setTerminator(3)
      await turns(2)
      splitter.resume()
    })
    splitter.end('one\ntwo\nsix\n..')
    await t.rejects(withinTurns(done), { code: 'ERR_FRAME_INCOMPLETE' })
    t.same(frames, ['one', 'two', '\nsi', 'x\n.'], when)
  }
})

t.test('TerminatorSplitter: obeys a terminator set after an await in a handler that took the last frame', async t => {
  const splitter = new TerminatorSplitter('\n')
  const frames: string[] = []
  onData(splitter, async frame => {
    frames.push(textOf(frame))
    await turn()
    if (frames.length === 1) splitter.setTerminator(';')
  })
  splitter.write('head\nbo')
  await turns(4)
  t.same(frames, ['head'])
  splitter.write('d\ny;')
  await turns(4)
  t.same(frames, ['head', 'bod\ny'])
})

t.test('TerminatorSplitter: lets a switch after an await rule from the first frame not yet delivered', async t => {
  const splitter = new TerminatorSplitter('\n')
  const frames: string[] = []
  onData(splitter, async frame => {
    frames.push(textOf(frame))
    await turn()
    if (frames.length === 2) splitter.setTerminator(';')
  })
  splitter.write('a\nb\nc')
  await turns(4)
  t.same(frames, ['a', 'b'], 'a stream that flows does not wait for a promise')
  splitter.end('\nd;')
  await turns(4)
  t.same(frames, ['a', 'b', 'c\nd'])
})

const waiting: { name: string; readonly listen: (splitter: TerminatorSplitter, frames: string[]) => unknown }[] = [
  {
    name: "'data'",
    listen: (splitter, frames) => splitter.on('data', frame => frames.push(textOf(frame)))
  },
  {
    name: "'readable' and read()",
    listen: (splitter, frames) =>
      splitter.on('readable', () => {
        let frame: unknown
        while ((frame = splitter.read()) !== null) frames.push(textOf(frame))
      })
  },
  {
    name: 'for await',
    listen: async (splitter, frames) => {
      for await (const frame of splitter) frames.push(textOf(frame))
    }
  },
  {
    name: 'batches()',
    listen: async (splitter, frames) => {
      for await (const batch of splitter.batches()) frames.push(...batch.map(String))
    }
  },
  {
    name: 'pipeline',
    listen: (splitter, frames) =>
      pipeline(splitter, async (source: AsyncIterable<unknown>) => {
        for await (const frame of source) frames.push(textOf(frame))
      })
  },
  {
    name: 'toWeb',
    listen: async (splitter, frames) => {
      const reader = Readable.toWeb(splitter).getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        frames.push(String(value))
      }
    }
  }
]

t.test('TerminatorSplitter: applies a terminator from outside while a demand waits', async t => {
  for (const { name, listen } of waiting) {
    const splitter = new TerminatorSplitter('\n')
    const frames: string[] = []
    listen(splitter, frames)
    splitter.write('abc')
    await turns(3)
    t.same(frames, [], `${name}: no delimiter, no frame`)
    splitter.setTerminator('b')
    t.same(frames, [], `${name}: nothing is delivered inside the call`)
    await turns(3)
    t.same(frames, ['a'], `${name}: no further input is needed`)
    splitter.setTerminator(1)
    await turns(3)
    t.same(frames, ['a', 'c'], name)
    splitter.end()
    await turns(3)
    t.ok(splitter.readableEnded, `${name}: ends`)
  }
})

t.test('TerminatorSplitter: applies a terminator from outside in the tick after the call', async t => {
  const splitter = new TerminatorSplitter('\n')
  const frames = collect(splitter)
  splitter.write('abc')
  await turns(3)
  splitter.setTerminator('b')
  await new Promise<void>(resolve => {
    process.nextTick(resolve)
  })
  t.same(frames, ['a'])
})

t.test('TerminatorSplitter: lets only the last of several terminators from outside rule', async t => {
  const splitter = new TerminatorSplitter('\n')
  const frames = collect(splitter)
  splitter.write('abcd')
  await turns(3)
  splitter.setTerminator('b')
  splitter.setTerminator('c')
  splitter.setTerminator('d')
  await turns(3)
  t.same(frames, ['abc'])
  splitter.setTerminator(2)
  splitter.setTerminator('\n')
  splitter.write('x\n')
  await turns(3)
  t.same(frames, ['abc', 'x'])
})

t.test('TerminatorSplitter: applies a terminator from outside after end()', async t => {
  const splitter = new TerminatorSplitter(10)
  const frames: string[] = []
  const done = ended(splitter)
  splitter.on('data', frame => {
    splitter.pause()
    frames.push(textOf(frame))
  })
  splitter.end('0123456789ab')
  await turns(3)
  t.same(frames, ['0123456789'])
  splitter.setTerminator('\n')
  splitter.resume()
  await turns(3)
  splitter.resume()
  await t.resolves(withinTurns(done))
  t.same(frames, ['0123456789', 'ab'])
})

t.test("TerminatorSplitter: obeys a terminator set in a 'resume' listener", async t => {
  for (const isEnded of [false, true]) {
    const splitter = new TerminatorSplitter('\n')
    const frames = collect(splitter)
    splitter.pause()
    splitter.write('a;b\nc;d\n')
    if (isEnded) splitter.end()
    await turns(3)
    splitter.once('resume', () => {
      splitter.setTerminator(';')
    })
    splitter.resume()
    await turns(3)
    if (!isEnded) splitter.end()
    await turns(3)
    t.same(frames, ['a', 'b\nc', 'd\n'], `ended: ${isEnded}`)
  }
})

t.test("TerminatorSplitter: obeys a terminator set in a 'pause' listener", async t => {
  const splitter = new TerminatorSplitter('\n')
  const frames = collect(splitter)
  splitter.on('pause', () => {
    splitter.setTerminator(';')
  })
  splitter.once('data', () => splitter.pause())
  splitter.end('a\nb\nc;d\n')
  await turns(3)
  t.same(frames, ['a'])
  splitter.resume()
  await turns(3)
  t.same(frames, ['a', 'b\nc', 'd\n'])
})

t.test("TerminatorSplitter: obeys a terminator set in an 'overflow' listener from the frame after the discard", async t => {
  for (const consumer of consumers) {
    for (const sizes of [[100], [1], [3, 2]]) {
      const splitter = new TerminatorSplitter('\n', { maxFrameLength: 4, overflow: 'discard' })
      const frames: string[] = []
      const discarded: number[] = []
      splitter.on('overflow', length => {
        discarded.push(length)
        splitter.setTerminator(';')
      })
      const consumption = consumer.consume(splitter, frame => frames.push(textOf(frame)))
      for (const chunk of cut(Buffer.from('one\ntoo long\n1\n2;3;'), sizes)) splitter.write(chunk)
      splitter.end()
      await withinTurns(consumption)
      t.same(frames, ['one', '1\n2', '3'], `${consumer.name}, chunks of ${sizes.join()}`)
      t.same(discarded, [8], `${consumer.name}, chunks of ${sizes.join()}`)
    }
  }
})

t.test("TerminatorSplitter: obeys a terminator set in a 'readable' listener for all but the announced frame", async t => {
  const splitter = new TerminatorSplitter('\n')
  const frames: string[] = []
  let isFirst = true
  splitter.on('readable', () => {
    if (isFirst) splitter.setTerminator(';')
    isFirst = false
    let frame: unknown
    while ((frame = splitter.read()) !== null) frames.push(textOf(frame))
  })
  splitter.end('a\nb\nc;')
  await turns(5)
  t.same(frames, ['a', 'b\nc'])
})

t.test('TerminatorSplitter: obeys a terminator set in a write callback', async t => {
  const splitter = new TerminatorSplitter('\n')
  const frames = collect(splitter)
  splitter.write('a\nb', () => {
    splitter.setTerminator(';')
  })
  await turns(3)
  t.same(frames, ['a'])
  splitter.end('\nc;')
  await turns(3)
  t.same(frames, ['a', 'b\nc'])
})

t.test('TerminatorSplitter: gives an iterator the frame that was announced to an earlier consumer', async t => {
  for (const isBatched of [false, true]) {
    const splitter = new TerminatorSplitter('\n')
    const listen = (): number => splitter.readableLength
    splitter.on('readable', listen)
    splitter.write('a\nb\nc\n')
    await turns(3)
    t.equal(splitter.readableLength, 1)
    splitter.off('readable', listen)
    splitter.end()
    const frames: string[] = []
    const take = async (): Promise<void> => {
      if (isBatched) for await (const batch of splitter.batches()) frames.push(...[batch].flat().map(String))
      else for await (const frame of splitter) frames.push(String(frame))
    }
    await withinTurns(take())
    t.same(frames, ['a', 'b', 'c'], `batches: ${isBatched}`)
  }
})

t.test("TerminatorSplitter: ends a batch where an 'overflow' listener sets a terminator", async t => {
  const splitter = new TerminatorSplitter('\n', { maxFrameLength: 4, overflow: 'discard' })
  splitter.on('overflow', () => {
    splitter.setTerminator(';')
  })
  splitter.end('one\ntwo\ntoo long\n1\n2;3;')
  const batches: string[][] = []
  for await (const batch of splitter.batches()) batches.push(batch.map(String))
  t.same(batches[0], ['one', 'two'])
  t.same(batches.flat(), ['one', 'two', '1\n2', '3'])
})

// -- takeUnread --------------------------------------------------------------

interface Leave {
  readonly input: Buffer
  readonly sizes: number[]
  readonly timing: Timing
  readonly initial: Terminator
  readonly script: (Terminator | undefined)[]
  readonly after: number
  readonly writableHighWaterMark: number
}

const anyLeave: fc.Arbitrary<Leave> = fc.record({
  input: inputBytes,
  sizes: chunkSizes,
  timing: fc.constantFrom(...TIMINGS),
  initial: anyTerminator.filter(isLossless),
  script: fc.array(fc.option(anyTerminator.filter(isLossless), { nil: undefined, freq: 3 }), {
    maxLength: 10
  }),
  after: fc.integer({ min: 0, max: 8 }),
  writableHighWaterMark: fc.constantFrom(1, 4, 65_536)
})

/** Truncated and discarded bytes are gone by contract. */
function isLossless(terminator: Terminator): boolean {
  return !(
    typeof terminator === 'object' &&
    terminator !== null &&
    'overflow' in terminator &&
    terminator.overflow !== 'error'
  )
}

/** Everything delivered, and the unread bytes where they were: before all that was written after they were taken. */
const losesNothing = async (consumer: Consumer, leave: Leave, isInside: boolean): Promise<void> => {
  const splitter = new TerminatorSplitter(leave.initial, {
    keepTerminator: true,
    tail: 'emit',
    writableHighWaterMark: leave.writableHighWaterMark
  })
  const frames: Buffer[] = []
  let unread = Buffer.alloc(0)
  let written = 0
  let unreadAt = 0
  const takeUnread = (): void => {
    unread = Buffer.from(splitter.takeUnread())
    unreadAt = written - unread.length
  }
  const consumption = consumer.consume(splitter, frame => {
    frames.push(frame as Buffer)
    const next = leave.script[frames.length - 1]
    if (next !== undefined) splitter.setTerminator(next)
    if (isInside && frames.length === leave.after) takeUnread()
  })
  const writing = write(splitter, cut(leave.input, leave.sizes), leave.timing, chunk => {
    written += chunk.length
  })
  if (!isInside) {
    for (let i = 0; i < leave.after; i++) await (i % 3 === 2 ? Promise.resolve() : turn())
    takeUnread()
  }
  await withinTurns(Promise.all([consumption, writing]))
  const delivered = Buffer.concat(frames)
  const whole = Buffer.concat([delivered.subarray(0, unreadAt), unread, delivered.subarray(unreadAt)])
  assert.equal(whole.toString(), leave.input.toString())
  let end = 0
  const ends = frames.map(frame => (end += frame.length))
  assert.ok([0, ...ends].includes(unreadAt), `no frame is cut by the unread bytes at ${unreadAt}`)
}

t.test('TerminatorSplitter: takeUnread() in a handler and the frames are everything written', async t => {
  for (const consumer of consumers) {
    await holds(t, consumer.name, fc.asyncProperty(anyLeave, leave => losesNothing(consumer, leave, true)), 100)
  }
})

t.test('TerminatorSplitter: takeUnread() at any moment and the frames are everything written', async t => {
  for (const consumer of consumers) {
    await holds(t, consumer.name, fc.asyncProperty(anyLeave, leave => losesNothing(consumer, leave, false)), 100)
  }
})

t.test('TerminatorSplitter: takeUnread() before anyone consumes gives all that was written', async t => {
  for (const isCorked of [false, true]) {
    const splitter = new TerminatorSplitter('\n')
    if (isCorked) splitter.cork()
    for (const chunk of ['a\nb', '\nc', 'd\n']) splitter.write(chunk)
    t.equal(splitter.takeUnread().toString(), 'a\nb\ncd\n', `corked: ${isCorked}`)
    t.equal(splitter.takeUnread().length, 0, 'the second time nothing is left')
  }
})

t.test('TerminatorSplitter: takeUnread() in a handler reaches what waits in the writable buffer', async t => {
  for (const consumer of consumers) {
    for (const isCorked of [false, true]) {
      const label = `${consumer.name}, corked: ${isCorked}`
      const splitter = new TerminatorSplitter('\n')
      const frames: string[] = []
      let unread = ''
      let calledBack = 0
      if (isCorked) splitter.cork()
      for (const chunk of ['a\nb\nc\n', 'd\n', 'e\n', 'f']) splitter.write(chunk, () => calledBack++)
      splitter.uncork()
      const done = consumer.consume(splitter, frame => {
        frames.push(textOf(frame))
        if (frames.length === 2) unread = splitter.takeUnread().toString()
      })
      await turns(12)
      t.same(frames, ['a', 'b'], label)
      t.equal(unread, 'c\nd\ne\nf', label)
      t.equal(calledBack, 4, `${label}: every write is called back`)
      t.equal(splitter.writableLength, 0, label)
      splitter.end('g\nh\n')
      await withinTurns(done)
      t.same(frames, ['a', 'b', 'g', 'h'], `${label}: what is written later is framed anew`)
    }
  }
})

t.test('TerminatorSplitter: takeUnread() leaves the announced frame to be read, or takes it along', async t => {
  const splitter = new TerminatorSplitter('\n')
  let announced = 0
  splitter.on('readable', () => announced++)
  splitter.write('a\nb\nc')
  await turns(3)
  t.equal(announced, 1)
  const unread = splitter.takeUnread().toString()
  const frame: unknown = splitter.read()
  // Nothing lost, nothing twice.
  const seen = [frame === null ? null : textOf(frame), unread]
  t.same(seen, frame === null ? [null, 'a\nb\nc'] : ['a', 'b\nc'])
})

t.test('TerminatorSplitter: takeUnread() releases the held write callback', async t => {
  const splitter = new TerminatorSplitter('\n', { writableHighWaterMark: 1 })
  let calledBack = 0
  splitter.write('a\nb\n', () => calledBack++)
  splitter.write('c\n', () => calledBack++)
  await turns(3)
  t.equal(calledBack, 0, 'nobody reads')
  const drain = once(splitter, 'drain')
  t.equal(splitter.takeUnread().toString(), 'a\nb\nc\n')
  await t.resolves(withinTurns(drain))
  t.equal(calledBack, 2)
})

t.test('TerminatorSplitter: takeUnread() delivers nothing, to a consumer that flows either', async t => {
  const splitter = new TerminatorSplitter('\n')
  const frames = collect(splitter)
  await turns(2)
  splitter.cork()
  splitter.write('a\nb\n')
  splitter.write('c\n')
  t.equal(splitter.takeUnread().toString(), 'a\nb\nc\n')
  t.equal(splitter.writableCorked, 1, 'corked as before')
  splitter.uncork()
  splitter.write('d\n')
  await turns(3)
  t.same(frames, ['d'])
})

t.test('TerminatorSplitter: takeUnread() takes what was written, not what its callbacks write', async t => {
  const splitter = new TerminatorSplitter('\n')
  let count = 0
  const produce = (): void => {
    if (count++ < 1000) splitter.write('x\n', produce)
  }
  produce()
  splitter.takeUnread()
  t.ok(count < 10, `${count} writes`)
  await turns(2)
  splitter.destroy()
})

t.test('TerminatorSplitter: takeUnread() in a write callback takes each byte once', async t => {
  const splitter = new TerminatorSplitter('\n')
  const parts: string[] = []
  const take = (): void => {
    parts.push(splitter.takeUnread().toString())
  }
  splitter.write('a\n', take)
  splitter.write('b\n', take)
  splitter.write('c\n', take)
  await turns(2)
  take()
  await turns(2)
  t.equal(parts.toSorted((x, y) => y.length - x.length)[0], 'a\nb\nc\n')
  t.equal(parts.join(''), 'a\nb\nc\n')
})

t.test('TerminatorSplitter: takeUnread() starts a running count anew and leaves the terminator', async t => {
  const splitter = new TerminatorSplitter(4)
  const frames = collect(splitter)
  splitter.write('abcde')
  await turns(3)
  t.same(frames, ['abcd'])
  t.equal(splitter.getTerminator(), 3)
  t.equal(splitter.takeUnread().toString(), 'e')
  t.equal(splitter.getTerminator(), 4)
  splitter.write('0123')
  await turns(3)
  t.same(frames, ['abcd', '0123'])
})

// -- pushBack ----------------------------------------------------------------

t.test('TerminatorSplitter: pushBack() in a handler puts bytes before the unread ones', async t => {
  for (const consumer of consumers) {
    const splitter = new TerminatorSplitter('\n')
    const frames: string[] = []
    const consumption = consumer.consume(splitter, frame => {
      frames.push(textOf(frame))
      if (frames.length !== 1) return
      splitter.pushBack(Buffer.from('x\ny'))
      splitter.setTerminator(['\n', ';'])
    })
    splitter.write('a\nb;')
    splitter.end('c\n')
    await withinTurns(consumption)
    t.same(frames, ['a', 'x', 'yb', 'c'], consumer.name)
  }
})

t.test('TerminatorSplitter: applies a pushBack() from outside while a demand waits', async t => {
  for (const { name, listen } of waiting) {
    const splitter = new TerminatorSplitter('\n')
    const frames: string[] = []
    listen(splitter, frames)
    splitter.write('tail')
    await turns(3)
    splitter.pushBack(Buffer.from('head\n'))
    t.same(frames, [], `${name}: nothing is delivered inside the call`)
    await turns(3)
    t.same(frames, ['head'], name)
    splitter.end('\n')
    await turns(3)
    t.same(frames, ['head', 'tail'], name)
  }
})

t.test('TerminatorSplitter: pushBack() before anyone consumes comes first', async t => {
  for (const consumer of consumers) {
    const splitter = new TerminatorSplitter('\n')
    splitter.write('b\n')
    splitter.pushBack(Buffer.from('a\n'))
    splitter.end()
    const frames: string[] = []
    await withinTurns(consumer.consume(splitter, frame => frames.push(textOf(frame))))
    t.same(frames, ['a', 'b'], consumer.name)
  }
})

t.test('TerminatorSplitter: pushBack() in the handler of the last frame is delivered too', async t => {
  for (const consumer of consumers) {
    for (const isEnded of [false, true]) {
      const splitter = new TerminatorSplitter('\n')
      const frames: string[] = []
      const push = (): void => {
        splitter.pushBack(Buffer.from('again'))
      }
      splitter.write('a\nlast\n')
      if (isEnded) splitter.end()
      let thrown: unknown = null
      const done = consumer.consume(splitter, frame => {
        frames.push(textOf(frame))
        if (frame === null || textOf(frame) !== 'last') return
        try {
          push()
        } catch (error) {
          thrown = error
        }
        if (!isEnded) splitter.end()
      })
      await withinTurns(done)
      const label = `${consumer.name}, ended before: ${isEnded}`
      t.equal(thrown, null, label)
      t.same(frames, ['a', 'last', 'again'], label)
    }
  }
})

t.test('TerminatorSplitter: hands takeUnread() of one splitter to pushBack() of another', async t => {
  const first = new TerminatorSplitter('\n')
  const second = new TerminatorSplitter(2)
  const frames = collect(second)
  first.write('upgrade\nab')
  first.write('cd')
  first.once('data', () => {
    second.pushBack(first.takeUnread())
    first.destroy()
    second.end('ef')
  })
  await turns(5)
  t.same(frames, ['ab', 'cd', 'ef'])
})
