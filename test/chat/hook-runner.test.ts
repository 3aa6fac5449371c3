import { runInNewContext } from 'node:vm'
import t from 'tap'
import { HookRunner, asError } from '../../src/chat/hook-runner.js'
import { quiet } from '../support/told-wire.js'

function makeRunner(): { runner: HookRunner; log: string[] } {
  const log: string[] = []
  const runner: HookRunner = new HookRunner(
    (error) => log.push(`error ${error.message}${runner.isBusy ? ' while busy' : ''}`),
    () => log.push(`idle${runner.isBusy ? ' while busy' : ''}`),
  )
  return { runner, log }
}

t.test('HookRunner: runs those that wait in order, one that was put first before them', async (t) => {
  const { runner, log } = makeRunner()
  runner.add(() => log.push('a'))
  runner.add(() => log.push('b'))
  runner.addUrgent(() => log.push('first'))
  while (runner.runNext());
  t.same(log, ['first', 'a', 'b'])
  t.equal(runner.runNext(), false)
})

t.test('HookRunner: is busy while a hook runs, and says nothing when it is done at once', async (t) => {
  const { runner, log } = makeRunner()
  runner.run(() => log.push(`busy ${runner.isBusy}`))
  t.equal(runner.isBusy, false)
  t.same(log, ['busy true'])
})

t.test('HookRunner: is busy until the promise of a hook has settled, then says so', async (t) => {
  const { runner, log } = makeRunner()
  let resolve: (() => void) | undefined
  runner.run(() => new Promise<void>((done) => void (resolve = done)))
  await quiet(1)
  t.equal(runner.isBusy, true)
  t.same(log, [])
  resolve?.()
  await quiet(1)
  t.equal(runner.isBusy, false)
  t.same(log, ['idle'])
})

t.test('HookRunner: takes anything with a then() for a promise', async (t) => {
  const { runner, log } = makeRunner()
  // oxlint-disable-next-line unicorn/no-thenable -- that is what is tested
  runner.run(() => ({ then: (done: () => void) => setImmediate(done) }))
  t.equal(runner.isBusy, true)
  await quiet(2)
  t.same([runner.isBusy, log], [false, ['idle']])
})

t.test('HookRunner: tells what a hook throws, or its promise rejects with, when it is not busy any more', async (t) => {
  const { runner, log } = makeRunner()
  runner.run(() => {
    throw new Error('thrown')
  })
  t.same(log.splice(0), ['error thrown'])
  runner.run(() => Promise.reject(new Error('rejected')))
  await quiet(1)
  t.same(log, ['error rejected', 'idle'])
})

t.test('HookRunner: forgets those that wait', async (t) => {
  const { runner, log } = makeRunner()
  runner.add(() => log.push('a'))
  runner.clear()
  t.equal(runner.runNext(), false)
  t.same(log, [])
})

t.test('asError: leaves an Error as it is, of another realm too, and wraps what is none', async (t) => {
  const error = new RangeError('mine')
  t.equal(asError(error), error)
  const foreign: unknown = runInNewContext('new TypeError("foreign")')
  t.equal(asError(foreign), foreign)
  for (const thrown of ['text', 42, null, undefined, { message: 'no error' }]) {
    const made = asError(thrown)
    t.ok(made instanceof Error)
    t.equal(made.cause, thrown)
  }
})
