import t from 'tap'
import { IteratorPuller } from '../../src/producers/pull-iterator.js'
import { END } from '../../src/producers/puller.js'

const next = (puller: IteratorPuller): unknown => puller.read(puller.pull())

t.test('IteratorPuller: gives the values of an iterable, then the end', async (t) => {
  const puller = new IteratorPuller(['a', '', null], Symbol.iterator)
  t.same([next(puller), next(puller), next(puller), next(puller)], ['a', '', null, END], 'an empty chunk is not the end')
})

t.test('IteratorPuller: gives the values of an async iterable', async (t) => {
  const puller = new IteratorPuller((async function* () {
    yield 'a'
  })(), Symbol.asyncIterator)
  t.equal(puller.read(await puller.pull()), 'a')
  t.equal(puller.read(await puller.pull()), END)
})

t.test('IteratorPuller: makes the iterator at the first pull', async (t) => {
  let count = 0
  const puller = new IteratorPuller({
    [Symbol.iterator]() {
      count++
      return ['a', 'b'].values()
    },
  }, Symbol.iterator)
  t.equal(count, 0)
  t.same([next(puller), next(puller), count], ['a', 'b', 1])
})

t.test('IteratorPuller: refuses an answer that is no result', async (t) => {
  for (const answer of [undefined, null, 'a', 5]) {
    t.throws(() => new IteratorPuller([], Symbol.iterator).read(answer), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: /"result"/ })
  }
})

t.test('IteratorPuller: closes an iterator that has begun', async (t) => {
  let isClosed = false
  const puller = new IteratorPuller((function* () {
    try {
      yield 'a'
    } finally {
      isClosed = true
    }
  })(), Symbol.iterator)
  next(puller)
  puller.release()
  t.equal(isClosed, true)
})

t.test('IteratorPuller: closes a generator that has not begun', async (t) => {
  const generator = (function* () {
    yield 'never'
  })()
  new IteratorPuller(generator, Symbol.iterator).release()
  t.same(generator.next(), { done: true, value: undefined })
})

t.test('IteratorPuller: does not open an iterable to close it', async (t) => {
  const iterable = { return: () => t.fail('it is no iterator'), [Symbol.iterator]: () => t.fail('it was opened') }
  new IteratorPuller(iterable, Symbol.iterator).release()
  const puller = new IteratorPuller(['a'], Symbol.iterator)
  next(puller)
  t.doesNotThrow(() => puller.release(), 'an iterator without return()')
})
