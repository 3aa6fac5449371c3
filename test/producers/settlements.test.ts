import t from 'tap'
import { Settlements } from '../../src/producers/settlements.js'
import { turn } from '../support/consumers.js'

const told = (): { log: string[]; callback: (name: string) => (error?: Error | null) => void } => {
  const log: string[] = []
  return { log, callback: (name) => (...args) => void log.push(args.length === 0 ? name : `${name}: ${args[0]?.message}`) }
}

t.test('Settlements: calls back when the bytes have left, on the next tick', async (t) => {
  const settlements = new Settlements()
  const { log, callback } = told()
  settlements.expect(callback('a'), 1)
  settlements.expect(callback('b'), 3)
  settlements.settle(0)
  await turn()
  t.same(log, [])
  settlements.settle(2)
  t.same(log, [], 'not from inside the call')
  await turn()
  t.same(log, ['a'])
  settlements.settle(3)
  settlements.settle(3)
  await turn()
  t.same(log, ['a', 'b'])
})

t.test('Settlements: does not let a refused source overtake one before it', async (t) => {
  const settlements = new Settlements()
  const { log, callback } = told()
  settlements.expect(callback('a'), 5)
  settlements.refuse(callback('b'), new Error('refused'))
  settlements.expect(callback('c'), 5)
  settlements.settle(4)
  await turn()
  t.same(log, [])
  settlements.settle(5)
  await turn()
  t.same(log, ['a', 'b: refused', 'c'])
})

t.test('Settlements: fails all that wait, each with its own reason if it has one', async (t) => {
  const settlements = new Settlements()
  const { log, callback } = told()
  settlements.expect(callback('a'), 5)
  settlements.refuse(callback('b'), new Error('refused'))
  settlements.fail(new Error('failed'))
  settlements.settle(9)
  await turn()
  t.same(log, ['a: failed', 'b: refused'])
})

t.test('Settlements: does what comes afterwards after the callbacks that are due', async (t) => {
  const settlements = new Settlements()
  const { log, callback } = told()
  settlements.expect(callback('a'), 1)
  settlements.settle(1)
  settlements.afterwards(() => log.push('afterwards'))
  await turn()
  t.same(log, ['a', 'afterwards'])
})

t.test('Settlements: calls the others when a callback throws, which the process hears of', async (t) => {
  const settlements = new Settlements()
  const { log, callback } = told()
  const thrown = (name: string) => (): void => {
    log.push(name)
    throw new Error(`from ${name}`)
  }
  const uncaught: string[] = []
  process.setUncaughtExceptionCaptureCallback((error) => void uncaught.push(error.message))
  settlements.expect(callback('a'), 1)
  settlements.expect(thrown('b'), 1)
  settlements.expect(callback('c'), 1)
  settlements.expect(thrown('d'), 1)
  settlements.settle(1)
  await turn()
  settlements.expect(callback('e'), 1)
  settlements.settle(1)
  await turn()
  process.setUncaughtExceptionCaptureCallback(null)
  t.same([log, uncaught], [['a', 'b', 'c', 'd', 'e'], ['from b', 'from d']])
})

t.test('Settlements: calls back what a callback settles', async (t) => {
  const settlements = new Settlements()
  const log: number[] = []
  let count = 0
  const again = (): void => {
    log.push(count)
    if (count++ < 100_000) {
      settlements.expect(again, 0)
      settlements.settle(0)
    }
  }
  again()
  await turn()
  t.equal(log.length, 100_001, 'without the stack')
})
