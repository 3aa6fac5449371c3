import { createHook } from 'node:async_hooks'
import { once } from 'node:events'
import t from 'tap'
import { TerminatorSplitter } from '../../src/index.js'
import type { Terminator } from '../../src/index.js'
import { consumers, ended, textOf, turn, turns, withinTurns } from '../support/consumers.js'

const LINE_COUNT = 32 * 1024
const burst = (): Buffer => Buffer.from('x\n'.repeat(LINE_COUNT))

/** What begins by itself over so many turns of the event loop: ticks, immediates, timers, promises, handles. */
const beginnings = (turnCount: number): Promise<string[]> =>
  new Promise(resolve => {
    const begun: string[] = []
    const hook = createHook({
      init: (_id, type) => {
        begun.push(type)
      }
    })
    let left = turnCount
    const next = (): void => {
      if (left-- > 0) {
        setImmediate(next)
        return
      }
      hook.disable()
      // The turns themselves are immediates of this function.
      for (let i = 0; i < turnCount; i++) begun.splice(begun.indexOf('Immediate'), 1)
      resolve(begun)
    }
    setImmediate(() => {
      hook.enable()
      next()
    })
  })

/** The quietest of a few measurements: the test's own output may be on its way, a busy stream is always busy. */
const activity = async (turnCount: number): Promise<string[]> => {
  await turns(3)
  let quietest = await beginnings(turnCount)
  for (let i = 0; i < 5 && quietest.length > 0; i++) {
    const again = await beginnings(turnCount)
    if (again.length < quietest.length) quietest = again
  }
  return quietest
}

// -- nobody reads ------------------------------------------------------------

t.test('TerminatorSplitter: cuts nothing that nobody asked for', async t => {
  const splitter = new TerminatorSplitter('\n')
  let isCalledBack = false
  splitter.write(burst(), () => {
    isCalledBack = true
  })
  await turns(5)
  t.equal(splitter.readableLength, 0, 'no frame is queued')
  t.equal(isCalledBack, false, 'the write is held')
  t.equal(splitter.writableLength, 2 * LINE_COUNT)
  t.same(await activity(20), [], 'the process is idle')
  t.equal(splitter.readableLength, 0)
  splitter.setTerminator('x\nx\n')
  await turns(2)
  t.same(await activity(20), [], 'a new terminator is no demand')
  let count = 0
  for await (const _frame of splitter.end()) count += 1
  t.equal(count, LINE_COUNT / 2, 'the terminator set meanwhile rules all of them')
})

t.test('TerminatorSplitter: is idle while a demand waits for the peer', async t => {
  for (const consumer of consumers.filter(({ name }) => !name.includes('polled'))) {
    const splitter = new TerminatorSplitter('\n')
    const done = consumer.consume(splitter, () => {})
    splitter.write('no end of line')
    await turns(8)
    t.same(await activity(20), [], consumer.name)
    splitter.end()
    await withinTurns(done)
  }
})

t.test('TerminatorSplitter: is idle while its consumer is paused', async t => {
  const splitter = new TerminatorSplitter('\n')
  let count = 0
  splitter.on('data', () => {
    if (++count === 3) splitter.pause()
  })
  splitter.write(burst())
  splitter.end(burst())
  await turns(5)
  t.equal(count, 3)
  t.equal(splitter.readableLength, 0)
  t.same(await activity(20), [])
  splitter.resume()
  await withinTurns(ended(splitter))
  t.equal(count, 2 * LINE_COUNT, 'nothing is lost')
})

t.test('TerminatorSplitter: keeps at most the announced frame for a reader that stopped', async t => {
  const splitter = new TerminatorSplitter('\n')
  splitter.on('readable', () => {})
  splitter.write(burst())
  await turns(5)
  t.equal(splitter.readableLength, 1, 'the frame that was announced')
  t.same(await activity(20), [])
  t.equal(textOf(splitter.read()), 'x')
  await turns(5)
  t.ok(splitter.readableLength <= 1)
  t.same(await activity(20), [])
  splitter.destroy()
})

t.test('TerminatorSplitter: holds one frame in a pipe into a Writable that stopped', async t => {
  for (const consumer of consumers.filter(({ name }) => name.startsWith('slow for await'))) {
    const splitter = new TerminatorSplitter('\n')
    let count = 0
    const done = consumer.consume(splitter, () => {
      if (++count === 2) splitter.destroy()
      t.equal(splitter.readableLength, 0, 'nothing is cut ahead')
    })
    splitter.write(burst())
    await t.rejects(withinTurns(done), { code: 'ERR_STREAM_PREMATURE_CLOSE' })
    t.equal(count, 2)
  }
})

t.test('TerminatorSplitter: cuts nothing ahead in any way of consuming', async t => {
  for (const consumer of consumers) {
    const splitter = new TerminatorSplitter('\n')
    let most = 0
    const done = consumer.consume(splitter, () => {
      most = Math.max(most, splitter.readableLength)
    })
    splitter.end('a\n'.repeat(50))
    await withinTurns(done)
    t.equal(most, 0, `${consumer.name}: no frame is queued while one is handled`)
  }
})

// -- a demand that is taken back ---------------------------------------------

t.test('TerminatorSplitter: cuts nothing while paused, even for an older demand', async t => {
  for (const when of ['before the write', 'between two writes']) {
    const splitter = new TerminatorSplitter('\n')
    const frames: string[] = []
    splitter.on('data', frame => frames.push(textOf(frame)))
    await turns(3)
    if (when === 'between two writes') {
      splitter.write('a;')
      await turns(3)
    }
    splitter.pause()
    splitter.write(when === 'between two writes' ? 'b\nc;d\n' : 'a;b\nc;d\n')
    await turns(3)
    t.same(frames, [], when)
    t.equal(splitter.readableLength, 0, 'nothing is cut')
    splitter.setTerminator(';')
    await turns(3)
    t.equal(splitter.readableLength, 0, 'a terminator is no demand')
    splitter.resume()
    await turns(3)
    t.same(frames, ['a', 'b\nc'], 'the terminator set while paused rules')
    splitter.end()
    await turns(3)
    t.same(frames, ['a', 'b\nc', 'd\n'])
  }
})

t.test('TerminatorSplitter: cuts nothing for a demand of a listener that left and paused', async t => {
  const splitter = new TerminatorSplitter('\n')
  const first: string[] = []
  const take = (frame: unknown): void => {
    first.push(textOf(frame))
  }
  splitter.on('data', take)
  await turns(2)
  splitter.off('data', take)
  splitter.pause()
  splitter.write('a;b\n')
  await turns(3)
  t.equal(splitter.readableLength, 0)
  splitter.setTerminator(';')
  const second: string[] = []
  splitter.on('data', frame => second.push(textOf(frame)))
  splitter.resume()
  await turns(3)
  t.same(first, [])
  t.same(second, ['a'])
})

t.test("TerminatorSplitter: cuts nothing for a 'readable' listener that has read and not asked again", async t => {
  const splitter = new TerminatorSplitter('\n')
  splitter.on('readable', () => {})
  splitter.write('x\na;b\nc!d\n')
  await turns(3)
  t.equal(textOf(splitter.read()), 'x')
  splitter.setTerminator(';')
  await turns(3)
  t.equal(splitter.readableLength, 0, 'a terminator is no demand')
  splitter.setTerminator('!')
  await turns(3)
  t.equal(textOf(splitter.read()), 'a;b\nc', 'the last one set rules')
  splitter.destroy()
})

t.test('TerminatorSplitter: goes on when paused and resumed in the same tick', async t => {
  const splitter = new TerminatorSplitter('\n')
  const frames: string[] = []
  splitter.on('data', frame => frames.push(textOf(frame)))
  splitter.write('a')
  await turns(2)
  splitter.pause()
  splitter.resume()
  splitter.pause()
  splitter.resume()
  splitter.write('\nb\n')
  await turns(3)
  t.same(frames, ['a', 'b'])
})

t.test('TerminatorSplitter: loses nothing when paused and resumed again and again', async t => {
  const splitter = new TerminatorSplitter('\n')
  const count = 20_000
  let next = 0
  let isInOrder = true
  const done = ended(splitter)
  splitter.on('data', frame => {
    isInOrder &&= String(frame) === String(next)
    next += 1
    if (next % 3 === 0) return
    splitter.pause()
    if (next % 3 === 1) setImmediate(() => splitter.resume())
    else process.nextTick(() => splitter.resume())
  })
  const lines = Array.from({ length: count }, (_unused, i) => `${i}\n`)
  splitter.write(lines.slice(0, 9_000).join(''))
  splitter.end(lines.slice(9_000).join(''))
  await withinTurns(done, 100_000)
  t.equal(next, count)
  t.ok(isInOrder)
})

// -- back-pressure -----------------------------------------------------------

t.test('TerminatorSplitter: stops a producer that heeds write() when the consumer stops', async t => {
  for (const chunk of [Buffer.from('x\n'.repeat(512)), Buffer.from('x'.repeat(1023) + '\n')]) {
    const splitter = new TerminatorSplitter('\n', { writableHighWaterMark: 4096 })
    let written = 0
    let taken = 0
    const produce = (): void => {
      let goesOn = true
      while (goesOn && written < 4_000_000) {
        written += chunk.length
        goesOn = splitter.write(chunk)
      }
    }
    splitter.on('drain', produce)
    splitter.on('data', frame => {
      taken += (frame as Buffer).length + 1
      if (taken >= 10 * 1024) splitter.pause()
    })
    produce()
    await turns(50)
    t.ok(taken >= 10 * 1024 && taken < 12 * 1024, `taken: ${taken}`)
    // Not delivered: the high-water mark, and one chunk that passed it.
    t.ok(written - taken <= 4096 + chunk.length, `${written - taken} bytes wait`)
    t.equal(splitter.readableLength, 0)
    t.same(await activity(20), [])
    splitter.removeAllListeners('data').on('data', frame => {
      taken += (frame as Buffer).length + 1
    })
    splitter.resume()
    await turns(10)
    const isWritten = (): boolean => written >= 4_000_000
    for (let i = 0; i < 5_000 && !isWritten(); i++) await turn()
    splitter.end()
    await withinTurns(once(splitter, 'end'))
    t.equal(taken, written, 'and goes on where it stopped')
  }
})

t.test('TerminatorSplitter: asks for more input only when a frame needs it', async t => {
  const splitter = new TerminatorSplitter('\n')
  const calledBack: string[] = []
  splitter.write('a\nb\nc', () => calledBack.push('1'))
  splitter.write('d\ne\n', () => calledBack.push('2'))
  const read = (): string | null => {
    const frame: unknown = splitter.read()
    return frame === null ? null : textOf(frame)
  }
  t.equal(read(), 'a')
  await turns(2)
  t.equal(read(), 'b')
  await turns(2)
  t.same(calledBack, [], 'the first chunk is not used up')
  const third = read()
  await turns(2)
  t.equal(third ?? read(), 'cd')
  await turns(2)
  t.same(calledBack, ['1'])
  splitter.destroy()
})

t.test("TerminatorSplitter: emits 'finish' after the last frame was asked for", async t => {
  const splitter = new TerminatorSplitter('\n')
  const events: string[] = []
  for (const event of ['finish', 'end', 'close']) splitter.on(event, () => events.push(event))
  splitter.end('a\nb\nlast')
  await turns(3)
  t.same(events, [], 'nobody reads')
  t.equal(textOf(splitter.read()), 'a')
  await turns(3)
  t.same(events, [])
  t.equal(textOf(splitter.read()), 'b')
  await turns(3)
  t.same(events, [])
  t.equal(textOf(splitter.read()), 'last')
  await turns(3)
  t.equal(splitter.read(), null)
  await turns(3)
  t.equal(events.indexOf('finish') >= 0, true)
  t.same(events.slice().toSorted(), ['close', 'end', 'finish'])
  t.equal(events.at(-1), 'close')
})

t.test('TerminatorSplitter: ends without a frame when nothing was written', async t => {
  for (const consumer of consumers) {
    const splitter = new TerminatorSplitter('\n')
    const frames: unknown[] = []
    const done = consumer.consume(splitter, frame => frames.push(frame))
    splitter.end()
    await withinTurns(done)
    t.same(frames, [], consumer.name)
  }
})

// -- read(n) -----------------------------------------------------------------

t.test('TerminatorSplitter: read(n) gives one frame and disturbs nothing', async t => {
  for (const size of [1, 5, 100, 0]) {
    const splitter = new TerminatorSplitter('\n')
    splitter.write('a\nb;c\n')
    const first: unknown = splitter.read(size)
    t.equal(splitter.readableHighWaterMark, 0, `read(${size})`)
    if (size === 0) t.equal(first, null, 'read(0) takes nothing')
    else t.equal(String(first), 'a', `read(${size})`)
    await turns(3)
    t.ok(splitter.readableLength <= (size === 0 ? 1 : 0), `read(${size}) cuts nothing ahead`)
    if (size === 0) t.equal(textOf(splitter.read()), 'a')
    splitter.setTerminator(';')
    t.equal(String(splitter.read(size === 0 ? 1 : size)), 'b', 'the next one obeys the switch')
    await turns(3)
    t.equal(splitter.readableLength, 0)
    splitter.destroy()
  }
})

t.test('TerminatorSplitter: read(0) in between is harmless in every way of consuming', async t => {
  for (const consumer of consumers) {
    if (consumer.name.includes('await') || consumer.name.includes('pipeline')) continue
    if (consumer.name.includes('change')) continue
    const splitter = new TerminatorSplitter('\n')
    const frames: string[] = []
    const done = consumer.consume(splitter, frame => {
      frames.push(textOf(frame))
      if (!splitter.destroyed && consumer.name.startsWith("'data'")) splitter.read(0)
    })
    splitter.write('a\nb\nc')
    await turns(5)
    splitter.end('\nd')
    await withinTurns(done)
    t.same(frames, ['a', 'b', 'c', 'd'], consumer.name)
    t.equal(splitter.readableHighWaterMark, 0)
  }
})

t.test('TerminatorSplitter: has the high-water marks of a stream that queues nothing', async t => {
  const splitter = new TerminatorSplitter('\n')
  t.equal(splitter.readableHighWaterMark, 0)
  t.equal(splitter.readableObjectMode, true)
  t.equal(splitter.writableObjectMode, false)
})

// -- bursts and recursion ----------------------------------------------------

t.test('TerminatorSplitter: takes 200,000 flips in one chunk', async t => {
  const pairCount = 100_000
  const input = Buffer.from('l\nxyz'.repeat(pairCount))
  const names = new Set([
    "'data'",
    "'readable' with read() until null",
    'for await',
    'pipeline with an async generator',
    'pipe into a Writable that answers at once',
    'read() polled without a listener'
  ])
  for (const consumer of consumers.filter(({ name }) => names.has(name))) {
    const splitter = new TerminatorSplitter('\n')
    let lines = 0
    let counts = 0
    let wrong = 0
    const done = consumer.consume(splitter, frame => {
      const { length } = frame as Buffer
      if (length === 1) lines += 1
      else if (length === 3) counts += 1
      else wrong += 1
      splitter.setTerminator(length === 1 ? 3 : '\n')
    })
    splitter.end(input)
    await withinTurns(done, 1_000_000)
    t.same({ lines, counts, wrong }, { lines: pairCount, counts: pairCount, wrong: 0 }, consumer.name)
  }
})

t.test('TerminatorSplitter: needs no stack for many frames in one chunk', async t => {
  // A handler with a deep stack of its own leaves little room below it.
  const splitter = new TerminatorSplitter('\n')
  const depths = new Set<number>()
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 200
  splitter.on('data', () => {
    depths.add(String(new Error('depth').stack).split('\n').length)
  })
  splitter.write('a\n'.repeat(300))
  splitter.end('a\n'.repeat(300))
  await turns(5)
  Error.stackTraceLimit = stackTraceLimit
  t.ok(splitter.readableEnded)
  t.ok(Math.max(...depths) < 40, `at most ${Math.max(...depths)} calls deep`)
})

t.test('TerminatorSplitter: skips 100,000 empty lines', async t => {
  for (const consumer of consumers.slice(0, 12)) {
    const splitter = new TerminatorSplitter('\n', { skipEmpty: true })
    const frames: string[] = []
    const done = consumer.consume(splitter, frame => frames.push(textOf(frame)))
    splitter.end('\n'.repeat(100_000) + 'a\n' + '\n'.repeat(1000) + 'b')
    await withinTurns(done)
    t.same(frames, ['a', 'b'], consumer.name)
  }
})

t.test('TerminatorSplitter: gives 100,000 empty frames when they are wanted', async t => {
  const splitter = new TerminatorSplitter('\n')
  let count = 0
  splitter.on('data', frame => {
    if ((frame as Buffer).length === 0) count += 1
  })
  splitter.end('\n'.repeat(100_000))
  await withinTurns(ended(splitter))
  t.equal(count, 100_000, 'each consumes a byte, so this is progress')
})

t.test('TerminatorSplitter: reports a count of 0 that is set for ever', async t => {
  for (const consumer of consumers) {
    for (const zero of [0, { until: 0 }] satisfies Terminator[]) {
      const splitter = new TerminatorSplitter(zero)
      let count = 0
      const done = consumer.consume(splitter, frame => {
        if ((frame as Buffer).length === 0) count += 1
        splitter.setTerminator(zero)
      })
      splitter.write('never taken')
      await t.rejects(withinTurns(done), { code: 'ERR_NO_PROGRESS' }, consumer.name)
      t.ok(count === 99 || count === 100, `${consumer.name}: after ${count} empty frames`)
    }
  }
})

t.test('TerminatorSplitter: takes a count of 0 now and then for progress', async t => {
  const splitter = new TerminatorSplitter('\n')
  let count = 0
  splitter.on('data', frame => {
    count += 1
    splitter.setTerminator((frame as Buffer).length > 0 ? 0 : '\n')
  })
  splitter.end('a\n'.repeat(500))
  await withinTurns(ended(splitter))
  t.equal(count, 1000)
})

// -- calls from inside a handler ---------------------------------------------

t.test('TerminatorSplitter: takes a write() from inside a handler in order', async t => {
  for (const consumer of consumers) {
    for (const isCorked of [false, true]) {
      const splitter = new TerminatorSplitter('\n')
      const frames: string[] = []
      // A handler may run inside write(): the order is that in which the calls were made.
      let written = ''
      const write = (text: string): void => {
        written += text
        splitter.write(text)
      }
      const done = consumer.consume(splitter, frame => {
        frames.push(textOf(frame))
        if (frames.length === 1) write('d\ne')
        if (frames.length === 2) write('f\n')
        if (frames.length === 4) write('x\ny\nz')
        if (frames.length === 6) {
          write('\ng')
          splitter.end()
        }
      })
      if (isCorked) splitter.cork()
      write('a\nb')
      write('\nc\n')
      splitter.uncork()
      await withinTurns(done)
      t.same(frames, written.split('\n'), `${consumer.name}, corked: ${isCorked}`)
    }
  }
})

t.test('TerminatorSplitter: never enters a handler again while it runs', async t => {
  const splitter = new TerminatorSplitter('\n')
  let depth = 0
  let deepest = 0
  let count = 0
  splitter.on('data', () => {
    depth += 1
    deepest = Math.max(deepest, depth)
    count += 1
    if (count < 50) {
      splitter.write('y\nz\n')
      splitter.setTerminator(count % 2 === 0 ? '\n' : ['\n', '!'])
      splitter.pushBack(Buffer.from(count % 5 === 0 ? 'p\n' : ''))
      splitter.resume()
    }
    depth -= 1
  })
  splitter.write('x\n')
  await turns(20)
  t.equal(deepest, 1)
  t.equal(count, 1 + 49 * 2 + 9)
})

t.test('TerminatorSplitter: never enters a handler again when its bytes came by pushBack()', async t => {
  // No write is in progress: one from the handler begins at once.
  const splitter = new TerminatorSplitter('\n')
  const log: string[] = []
  splitter.on('data', frame => {
    const text = textOf(frame)
    log.push(`${text} begins`)
    if (text === 'a') splitter.write('c\n')
    if (text === 'b') splitter.end('d')
    log.push(`${text} ends`)
  })
  splitter.pushBack(Buffer.from('a\nb\n'))
  await turns(5)
  t.same(log, ['a', 'b', 'c', 'd'].flatMap(text => [`${text} begins`, `${text} ends`]))
  t.equal(splitter.readableEnded, true)
})

t.test("TerminatorSplitter: keeps order when an 'overflow' listener reads", async t => {
  for (const input of ['a\ntoo long\nb\nc\nalso long\nd\n', 'too long\na\nb\nc\nd\n']) {
    const splitter = new TerminatorSplitter('\n', { maxFrameLength: 3, overflow: 'discard' })
    const frames: string[] = []
    const take = (): boolean => {
      const frame: unknown = splitter.read()
      if (frame !== null) frames.push(textOf(frame))
      return frame !== null
    }
    splitter.on('overflow', take)
    splitter.on('readable', () => {
      while (take());
    })
    splitter.end(input)
    await withinTurns(ended(splitter))
    t.same(frames, ['a', 'b', 'c', 'd'], JSON.stringify(input))
  }
})

t.test('TerminatorSplitter: stops at once when destroyed in a handler', async t => {
  for (const isCorked of [false, true]) {
    const splitter = new TerminatorSplitter('\n')
    const frames: string[] = []
    const events: string[] = []
    for (const event of ['end', 'finish', 'error', 'close']) {
      splitter.on(event, () => events.push(event))
    }
    splitter.on('data', frame => {
      frames.push(textOf(frame))
      if (frames.length === 2) splitter.destroy()
    })
    if (isCorked) splitter.cork()
    splitter.write('a\nb\nc\n')
    splitter.write('d\n')
    splitter.uncork()
    await turns(5)
    t.same(frames, ['a', 'b'], `corked: ${isCorked}`)
    t.same(events, ['close'])
  }
})

t.test('TerminatorSplitter: stops at once when destroyed in any way of consuming', async t => {
  for (const consumer of consumers) {
    const splitter = new TerminatorSplitter('\n')
    const frames: string[] = []
    const failure = new Error('enough')
    const done = consumer.consume(splitter, frame => {
      frames.push(textOf(frame))
      if (frames.length === 2) splitter.destroy(failure)
    })
    splitter.write('a\nb\nc\nd\n')
    await t.rejects(withinTurns(done), failure, consumer.name)
    await turns(3)
    t.same(frames, ['a', 'b'], consumer.name)
  }
})

t.test('TerminatorSplitter: stops at once when paused in a handler', async t => {
  for (const isCorked of [false, true]) {
    const splitter = new TerminatorSplitter('\n')
    const frames: string[] = []
    splitter.on('data', frame => {
      frames.push(textOf(frame))
      splitter.pause()
    })
    if (isCorked) splitter.cork()
    splitter.write('a\nb\nc\n')
    splitter.write('d\n')
    splitter.uncork()
    for (const want of [['a'], ['a', 'b'], ['a', 'b', 'c'], ['a', 'b', 'c', 'd']]) {
      await turns(3)
      t.same(frames, want, `corked: ${isCorked}`)
      splitter.resume()
    }
  }
})
