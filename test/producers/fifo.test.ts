import fc from 'fast-check'
import t from 'tap'
import { Fifo } from '../../src/producers/fifo.js'

t.test('Fifo: gives back in order what was pushed, and says when there is nothing', async (t) => {
  const fifo = new Fifo<string>()
  t.same([fifo.isEmpty(), fifo.length, fifo.pop()], [true, 0, [false, null]])
  fifo.push('a')
  fifo.push('b')
  t.same([fifo.isEmpty(), fifo.length, fifo.first(), fifo.length], [false, 2, 'a', 2])
  t.same([fifo.pop(), fifo.pop(), fifo.pop(), fifo.isEmpty()], [[true, 'a'], [true, 'b'], [false, null], true])
})

t.test('Fifo: holds any value, also those that look like nothing', async (t) => {
  const values = [null, undefined, '', 0, false, Number.NaN, new Fifo()]
  const fifo = new Fifo<unknown>(values)
  for (const value of values) {
    t.equal(Object.is(fifo.first(), value), true)
    t.same(fifo.pop(), [true, value])
  }
  t.same(fifo.pop(), [false, null])
})

t.test('Fifo: copies the list it is made of', async (t) => {
  const list = ['a']
  const fifo = new Fifo(list)
  list.push('b')
  fifo.push('c')
  t.same([fifo.length, fifo.pop(), fifo.first(), list], [2, [true, 'a'], 'c', ['a', 'b']])
  for (const none of [undefined, null]) t.equal(new Fifo(none).length, 0, String(none))
  t.same(new Fifo(new Set([1, 2])).pop(), [true, 1], 'any iterable')
  t.same(new Fifo('xy').length, 2, 'a string is one')
})

t.test('Fifo: refuses a list that is none', async (t) => {
  for (const list of [5, true, {}, () => []]) {
    t.throws(() => new Fifo(list as never), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: /"list"/ })
  }
})

t.test('Fifo: has no first item when it is empty', async (t) => {
  const wanted = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE', message: 'Cannot give the first item: the fifo is empty' }
  const fifo = new Fifo(['a'])
  fifo.pop()
  t.throws(() => fifo.first(), wanted)
  t.throws(() => new Fifo().first(), wanted)
})

t.test('Fifo: is an array with push and shift, whatever is done', async (t) => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('push' as const), count: fc.integer({ min: 0, max: 300 }) }),
    fc.record({ kind: fc.constant('pop' as const), count: fc.integer({ min: 0, max: 300 }) }),
  )
  await t.resolves(fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
    const fifo = new Fifo<number>()
    const model: number[] = []
    let next = 0
    for (const { kind, count } of steps) {
      for (let i = 0; i < count; i++) {
        if (kind === 'push') {
          model.push(next)
          fifo.push(next++)
        } else {
          const [isOne, item] = fifo.pop()
          if (isOne !== model.length > 0 || (isOne && item !== model.shift())) return false
        }
        if (fifo.length !== model.length || fifo.isEmpty() !== (model.length === 0)) return false
        if (model.length > 0 && fifo.first() !== model[0]) return false
      }
    }
    return true
  })))
})

t.test('Fifo: keeps the order of a queue that is never empty', async (t) => {
  const fifo = new Fifo<number>(Array.from({ length: 100 }, (_, i) => i))
  for (let i = 100; i < 100_000; i++) {
    fifo.push(i)
    const [, item] = fifo.pop()
    if (item !== i - 100) t.fail(`item ${i}`)
  }
  t.equal(fifo.length, 100)
})
