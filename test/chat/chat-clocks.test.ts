import t from 'tap'
import { ChatClocks, type ClockState } from '../../src/chat/chat-clocks.js'
import { Clock } from '../support/clock.js'

const RUNNING: ClockState = { waitsForPeer: true, waitsForFrame: true, frameCount: 0, idleTimeout: 100, frameTimeout: 70 }
const STANDING = { waitsForPeer: false, waitsForFrame: false }

type Step = readonly ['watch', Partial<ClockState>] | readonly ['pass', ms: number, late: string] | readonly ['touch' | 'stop']

const rows: readonly [name: string, steps: readonly Step[]][] = [
  ['are late when their time has passed, and not before', [['watch', {}], ['pass', 69, ''], ['pass', 1, 'frame'], ['pass', 29, 'frame'], ['pass', 1, 'frame idle']]],
  ['the idle one begins anew with each byte, the one of the frame does not', [['watch', {}], ['pass', 60, ''], ['touch'], ['watch', {}], ['pass', 10, 'frame'], ['pass', 89, 'frame'], ['pass', 1, 'frame idle']]],
  ['the frame\'s begins anew with the next frame', [['watch', { idleTimeout: 0 }], ['pass', 60, ''], ['watch', { idleTimeout: 0, frameCount: 1 }], ['pass', 69, ''], ['pass', 1, 'frame']]],
  ['stand still while nothing is waited for, and keep what they show', [['watch', {}], ['pass', 60, ''], ['watch', STANDING], ['pass', 900, ''], ['watch', {}], ['pass', 9, ''], ['pass', 1, 'frame'], ['pass', 30, 'frame idle']]],
  ['do not run without a time', [['watch', { idleTimeout: 0, frameTimeout: 0 }], ['pass', 9e6, '']]],
  ['only the idle one runs between two frames', [['watch', { waitsForFrame: false }], ['pass', 99, ''], ['pass', 1, 'idle']]],
  ['are late again when as much time has passed again', [['watch', { frameTimeout: 0 }], ['pass', 100, 'idle'], ['watch', { frameTimeout: 0 }], ['pass', 99, 'idle'], ['pass', 1, 'idle idle']]],
  ['the frame\'s is late again too', [['watch', { idleTimeout: 0 }], ['pass', 70, 'frame'], ['watch', { idleTimeout: 0 }], ['pass', 69, 'frame'], ['pass', 1, 'frame frame']]],
  ['are never late once they are stopped', [['watch', {}], ['stop'], ['pass', 9e6, '']]],
]

for (const [name, steps] of rows) {
  t.test(`ChatClocks: ${name}`, async (t) => {
    const clock = new Clock()
    t.teardown(() => clock.restore())
    const late: string[] = []
    const clocks = new ChatClocks((kind) => late.push(kind))
    for (const step of steps) {
      if (step[0] === 'watch') clocks.watch({ ...RUNNING, ...step[1] })
      else if (step[0] === 'pass') clock.pass(step[1])
      else clocks[step[0]]()
      if (step[0] === 'pass') t.equal(late.join(' '), step[2], `${step[0]} ${step[1]}`)
    }
    clock.restore()
  })
}
