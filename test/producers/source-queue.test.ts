import t from 'tap'
import { SourceQueue } from '../../src/producers/source-queue.js'
import type { Source } from '../../src/producers/source.js'
import { turn, turns } from '../support/consumers.js'
import { resolvers, thenable } from '../support/resolvers.js'

/** A queue whose events are told, with 1000 bytes for a source of unknown length. */
const queueOf = (...sources: Source[]): { queue: SourceQueue; log: string[]; add: (source: Source, name: string) => void } => {
  const log: string[] = []
  const names = new Map<unknown, string>()
  const queue = new SourceQueue(1000, {
    onAnswer: () => void log.push('answer'),
    onFinish: (callback, end) => void log.push(`${names.get(callback)} ends at ${end}`),
  })
  const add = (source: Source, name: string): void => {
    const callback = (): unknown => names
    names.set(callback, name)
    queue.add(source, callback)
  }
  for (const [index, source] of sources.entries()) add(source, `#${index}`)
  return { queue, log, add }
}

/** All pieces that are at hand. */
const takeAll = (queue: SourceQueue): string[] => {
  const pieces: string[] = []
  for (let piece = queue.peek(); piece !== null; piece = queue.peek()) {
    pieces.push(piece.toString())
    queue.take()
  }
  return pieces
}

/** A producer of these answers, that tells when it is pulled and given up. */
const answering = (log: string[], name: string, ...answers: unknown[]): { more: () => never; return: () => void } => ({
  more: () => {
    log.push(`${name} more`)
    const answer = answers.shift()
    return (typeof answer === 'function' ? answer() : answer) as never
  },
  return: () => void log.push(`${name} return`),
})

const boom = (): never => {
  throw new Error('boom')
}

t.test('SourceQueue: gives the pieces of one source after the other', async (t) => {
  const { queue, log } = queueOf('a', ['b', '', 'c'], Buffer.alloc(0), '', Buffer.from('d'))
  t.same([queue.count, queue.length], [5, 1002])
  t.same(takeAll(queue), ['a', 'b', 'c', 'd'])
  t.same([queue.count, queue.length, queue.takenLength], [0, 0, 4])
  t.same(log, ['#0 ends at 1', '#1 ends at 3', '#2 ends at 3', '#3 ends at 3', '#4 ends at 4'])
})

t.test('SourceQueue: pulls only when it is looked at, and once for a piece', async (t) => {
  const { queue, log, add } = queueOf()
  add(answering(log, 'p', 'a', 'b'), 'p')
  add(answering(log, 'q', 'c'), 'q')
  t.same(log, [])
  t.same([String(queue.peek()), String(queue.peek()), log], ['a', 'a', ['p more']])
  queue.take()
  t.equal(log.length, 1)
  t.same(takeAll(queue), ['b', 'c'])
  t.same(log, ['p more', 'p more', 'p more', 'p ends at 2', 'q more', 'q more', 'q ends at 3'])
})

t.test('SourceQueue: counts the length of a Blob down, and that of others at their end', async (t) => {
  const { queue } = queueOf(new Blob(['abc']), ['d', 'e'])
  t.equal(queue.length, 1003)
  t.equal(queue.peek(), null)
  await turns(20)
  t.equal(String(queue.peek()), 'abc')
  t.equal(queue.length, 1003, 'it is not taken')
  queue.take()
  t.equal(queue.length, 1000)
  t.equal(queue.peek(), null)
  await turns(20)
  queue.peek()
  queue.take()
  t.equal(queue.length, 1000)
  t.same(takeAll(queue), ['e'])
  t.equal(queue.length, 0)
})

t.test('SourceQueue: does not count below nothing for a Blob that gives more than it said', async (t) => {
  const { queue } = queueOf({ size: 1, arrayBuffer: async () => new ArrayBuffer(1), stream: () => new Blob(['abc']).stream() }, 'xy')
  queue.peek()
  await turns(20)
  queue.peek()
  queue.take()
  t.equal(queue.length, 2)
})

t.test('SourceQueue: drains a nested producer before the outer one goes on', async (t) => {
  const { queue, log, add } = queueOf()
  add(answering(log, 'outer', 'a', answering(log, 'inner', 'b', answering(log, 'innermost', 'c'), 'd'), 'e'), 'outer')
  t.same(takeAll(queue), ['a', 'b', 'c', 'd', 'e'])
  t.same(log.filter((line) => !line.endsWith('more')), ['outer ends at 5'], 'none is given up')
})

t.test('SourceQueue: waits for a promise, and says when it is answered', async (t) => {
  const { queue, log, add } = queueOf()
  add(answering(log, 'p', Promise.resolve('a'), Promise.resolve(answering(log, 'inner', 'b')), Promise.resolve('')), 'p')
  const taken: string[] = []
  for (let i = 0; i < 3; i++) {
    t.same([queue.peek(), queue.peek()], [null, null])
    await turn()
    taken.push(...takeAll(queue))
  }
  await turn()
  takeAll(queue)
  t.same(taken, ['a', 'b'])
  t.same(log, ['p more', 'answer', 'p more', 'answer', 'inner more', 'inner more', 'p more', 'p ends at 2', 'answer'])
})

t.test('SourceQueue: stops at a source that fails, and releases what is open of it', async (t) => {
  const failing: readonly [name: string, answer: unknown][] = [
    ['throws', boom],
    ['rejects', () => Promise.reject(new Error('boom'))],
    ['resolves to what is no chunk', Promise.resolve(5)],
    ['gives what is no chunk', 5],
    ['gives false', false],
    ['gives an array', [97]],
    ['has a then that throws', thenable({ get: boom })],
  ]
  for (const [name, answer] of failing) {
    const { queue, log, add } = queueOf('a')
    add(answering(log, 'outer', answering(log, 'inner', 'b', answer, 'never')), 'outer')
    add(answering(log, 'other', 'never'), 'other')
    t.same(takeAll(queue), ['a', 'b'])
    await turn()
    t.same([takeAll(queue), queue.count], [[], 2], name)
    t.match(queue.failure, /no chunk|false|array/.test(name) ? { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' } : { message: 'boom' }, name)
    t.same(log.filter((line) => !/more|answer/.test(line)), ['#0 ends at 1', 'inner return', 'outer return'], name)
    queue.drop(() => log.push('refused'))
    t.same([queue.failure, queue.count, queue.length], [null, 0, 0])
    t.same(log.slice(-3), ['refused', 'refused', 'other return'], `${name}: the failed one is not released again`)
  }
})

t.test('SourceQueue: drops all sources, tells all of them, and goes on', async (t) => {
  const { queue, log, add } = queueOf()
  add(answering(log, 'a', answering(log, 'inner', 'x', 'y'), 'never'), 'a')
  add('text', 'b')
  queue.add(['no callback'], undefined)
  add(answering(log, 'c'), 'c')
  queue.peek()
  queue.take()
  queue.peek()
  log.length = 0
  queue.drop(() => log.push('refused'))
  t.same(log, ['refused', 'refused', 'refused', 'inner return', 'a return', 'c return'])
  t.same([queue.count, queue.length, queue.peek()], [0, 0, null])
  add('later', 'd')
  t.same([takeAll(queue), log.at(-1)], [['later'], 'd ends at 6'])
})

t.test('SourceQueue: ignores an answer that comes after its source was dropped', async (t) => {
  const late: readonly [name: string, answer: (log: string[]) => unknown, told: string[]][] = [
    ['a chunk', () => 'late', []],
    ['the end', () => null, []],
    ['no chunk', () => 5, []],
    ['an error', () => Promise.reject(new Error('late')), []],
    ['a producer, which nobody will drain', (log) => answering(log, 'inner', 'late'), ['inner return']],
  ]
  for (const [name, answer, told] of late) {
    const { queue, log, add } = queueOf()
    const { promise, resolve } = resolvers()
    add(answering(log, 'p', promise), 'p')
    t.equal(queue.peek(), null)
    queue.drop(() => {})
    add('next', 'next')
    resolve(answer(log))
    await turn()
    t.same(log.slice(2), told, name)
    t.same([takeAll(queue), queue.failure], [['next'], null], name)
  }
})

t.test('SourceQueue: ignores an answer of a source that dropped the queue while it was asked', async (t) => {
  const answers: readonly ((log: string[]) => unknown)[] = [
    () => 'late',
    () => null,
    () => 5,
    () => Promise.resolve('late'),
    () => Promise.reject(new Error('late')),
    () => {
      throw new Error('late')
    },
    (log) => answering(log, 'inner', 'late'),
  ]
  for (const answer of answers) {
    const { queue, log, add } = queueOf()
    add(answering(log, 'p', () => {
      queue.drop(() => {})
      add('next', 'next')
      return answer(log)
    }), 'p')
    t.same(takeAll(queue), ['next'])
    await turn()
    t.same([takeAll(queue), queue.failure, queue.count], [[], null, 0])
    t.same(log.filter((line) => line === 'p return').length, 1, 'given up once')
    t.ok(!log.includes('inner more'))
  }
})

t.test('SourceQueue: takes what a source adds or drops while it is given up', async (t) => {
  const { queue, add } = queueOf()
  queue.add({ more: () => 'never', return: () => add('added', 'added') }, undefined)
  queue.add({ more: () => 'never', return: () => add('added too', 'added too') }, undefined)
  queue.peek()
  queue.drop(() => {})
  t.same(takeAll(queue), ['added', 'added too'])
})

t.test('SourceQueue: uses no stack for nesting, endings and releases', async (t) => {
  const COUNT = 100_000
  let depth = 0
  let returns = 0
  const deep = (): Source => {
    let isNew = true
    return {
      more: () => {
        if (!isNew || depth++ === COUNT) return null
        isNew = false
        return deep() as never
      },
      return: () => returns++,
    }
  }
  const { queue } = queueOf()
  queue.add(deep(), undefined)
  for (let i = 0; i < COUNT; i++) queue.add({ more: () => null }, undefined)
  t.same([takeAll(queue), depth, queue.count], [[], COUNT + 1, 0])
  depth = 0
  const stop = { more: () => new Promise<never>(() => {}) }
  let level = 0
  const deepAndStuck = (): Source => ({ more: () => (level++ < COUNT ? deepAndStuck() : stop) as never, return: () => returns++ })
  queue.add(deepAndStuck(), undefined)
  t.equal(queue.peek(), null)
  queue.drop(() => {})
  t.equal(returns, COUNT + 1)
})
