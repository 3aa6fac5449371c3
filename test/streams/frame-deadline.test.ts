import t from 'tap'
import { FrameDeadline } from '../../src/streams/frame-deadline.js'
import { Clock } from '../support/clock.js'

type Step = readonly ['run', limitMs: number] | readonly ['stop' | 'reset'] | readonly ['pass', ms: number, lateCount: number]

const rows: readonly [name: string, steps: readonly Step[]][] = [
  ['is over when its time has passed, and not before', [['run', 100], ['pass', 99, 0], ['pass', 1, 1], ['pass', 500, 1]]],
  ['is not put off by being run again: each byte does that', [['run', 100], ['pass', 60, 0], ['run', 100], ['pass', 39, 0], ['pass', 1, 1]]],
  ['stands still while it is stopped, and keeps what it shows', [['run', 100], ['pass', 60, 0], ['stop'], ['pass', 900, 0], ['run', 100], ['pass', 39, 0], ['pass', 1, 1]]],
  ['adds up all the times it ran', [['run', 100], ['pass', 30, 0], ['stop'], ['run', 100], ['pass', 30, 0], ['stop'], ['run', 100], ['pass', 39, 0], ['pass', 1, 1]]],
  ['gives the next frame all its time', [['run', 100], ['pass', 60, 0], ['reset'], ['run', 100], ['pass', 99, 0], ['pass', 1, 1]]],
  ['takes another limit, for the time that has passed too', [['run', 100], ['pass', 30, 0], ['run', 50], ['pass', 19, 0], ['pass', 1, 1]]],
  ['is over at once where more than a new limit has passed', [['run', 100], ['pass', 60, 0], ['run', 50], ['pass', 0, 1]]],
  ['never ends once it is stopped or reset', [['run', 100], ['stop'], ['pass', 900, 0], ['reset'], ['pass', 900, 0]]],
  ['may be stopped before it ran', [['stop'], ['reset'], ['run', 10], ['pass', 10, 1]]],
]

for (const [name, steps] of rows) {
  t.test(`FrameDeadline: ${name}`, async (t) => {
    const clock = new Clock()
    t.teardown(() => clock.restore())
    let lateCount = 0
    const deadline = new FrameDeadline(() => lateCount++)
    for (const [step, value = 0, wanted] of steps) {
      if (step === 'run') deadline.run(value)
      else if (step === 'pass') clock.pass(value)
      else deadline[step]()
      if (wanted !== undefined) t.equal(lateCount, wanted)
      t.ok(clock.timers.size <= 1, 'never two timers')
    }
    clock.restore()
  })
}

t.test('FrameDeadline: keeps no process alive', async (t) => {
  const clock = new Clock()
  t.teardown(() => clock.restore())
  new FrameDeadline(() => t.fail('not yet')).run(100)
  t.equal(clock.unrefCount, 1)
  clock.restore()
})
