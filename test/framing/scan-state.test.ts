import t from 'tap'
import type { ScanState, Tail } from '../../src/framing/scan-state.js'
import { NEVER, compileTerminator, type Terminator } from '../../src/framing/terminator.js'
import { stateOf, told } from '../support/scan.js'

t.test('ScanState: delivers a frame and drops its delimiter, or keeps it when told', async (t) => {
  for (const [keepTerminator, frame] of [[false, 'ab'], [true, 'ab\r\n']] as const) {
    const state = stateOf(['\n', '\r\n'], { keepTerminator }, 'ab\r\nc')
    t.ok(state.input.next() && state.search.find(state.input) === 4)
    t.equal(told(state, state.deliver(2, 2, 'terminator')), `${frame} terminator 0 1`)
    t.same([state.input.offset, state.input.length, state.frames], [4, 1, 1])
  }
})

t.test('ScanState: gives the offset of the frame, of which pieces have been delivered', async (t) => {
  const state = stateOf(8, {}, 'abcdef')
  state.input.take(2)
  state.delivered = 2
  t.equal(told(state, state.deliver(3, 0, 'eof')), 'cde eof 0')
  t.equal(state.delivered, 0)
  t.equal(told(state, state.deliver(1, 0, 'count')), 'f count 5')
})

const tails: readonly [terminator: Terminator, option: Tail | undefined, tail: Tail][] = [
  ['\n', undefined, 'emit'],
  [null, undefined, 'emit'],
  [3, undefined, 'error'],
  [0, undefined, 'error'],
  ['\n', 'drop', 'drop'],
  [3, 'emit', 'emit'],
]

t.test('ScanState: keeps the tail of lines and refuses a cut count, unless told', async (t) => {
  for (const [terminator, tail, wanted] of tails) {
    t.equal(stateOf(terminator, { tail }).tail, wanted, JSON.stringify([terminator, tail]))
  }
})

/** Two bytes of a line that goes on. */
function held(tail: Tail): ScanState {
  const state = stateOf('\n', { tail }, 'ab')
  if (state.input.next() && state.search.find(state.input) === -1) state.input.hold()
  return state
}

t.test('ScanState: delivers, refuses or drops the tail, and there is none without bytes', async (t) => {
  const emitting = held('emit')
  t.equal(told(emitting, emitting.deliverTail() as Uint8Array), 'ab eof 0')
  t.equal(emitting.deliverTail(), null)
  const dropping = held('drop')
  t.equal(dropping.deliverTail(), null)
  t.same([dropping.input.length, dropping.input.offset, dropping.frames], [0, 2, 0])
  const failing = held('error')
  t.throws(() => failing.deliverTail(), { code: 'ERR_FRAME_INCOMPLETE', length: 2, offset: 0, bytes: Buffer.from('ab') })
  t.equal(failing.input.length, 2, 'the bytes stay')
})

t.test('ScanState: takes limits from the rule, where it has some, and counts the rules', async (t) => {
  const state = stateOf('\n', { maxFrameLength: 4, overflow: 'discard' })
  const { search, ruleSerial } = state
  state.use(compileTerminator({ until: ';', maxFrameLength: 9, overflow: 'truncate' }))
  t.same([state.limit, state.overflow, state.ruleSerial], [9, 'truncate', ruleSerial + 1])
  t.equal(state.search, search, 'its search goes on: it knows what was looked at')
  state.use(NEVER)
  t.same([state.limit, state.overflow, state.ruleSerial], [4, 'discard', ruleSerial + 2])
  t.equal(stateOf(null).bytesLookedAt, 0, 'and there is none before the first delimiter')
})

t.test('ScanState: delivers 100 empty frames in one place, and no more', async (t) => {
  const state = stateOf(0, {}, 'ab')
  for (let count = 0; count < 100; count++) {
    t.equal(state.deliverEmpty().length, 0)
    t.equal(state.rule, NEVER, 'a count of 0 is for one frame')
  }
  state.input.take(1)
  t.equal(told(state, state.deliverEmpty()), ' count 1', 'a byte further on they are counted anew')
  for (let count = 1; count < 100; count++) state.deliverEmpty()
  t.throws(() => state.deliverEmpty(), { code: 'ERR_NO_PROGRESS', offset: 1, framesBefore: 200 })
})

t.test('ScanState: sets a count again after it was satisfied, or never', async (t) => {
  for (const [rearmCount, count] of [[true, 2], [false, -1]] as const) {
    const state = stateOf(2, { rearmCount }, 'abcd')
    t.equal(told(state, state.deliverCount(2)), 'ab count 0')
    t.equal(state.rule.count, count)
  }
})

t.test('ScanState: does nothing in a tentative read that would throw away or fail, but says so', async (t) => {
  const state = stateOf('\n', {}, 'ab')
  t.equal(state.blocks(), false)
  state.input.next()
  state.input.hold()
  state.isTentative = true
  t.equal(state.blocks(), true)
  t.same([state.isBlocked, state.input.heldLength, state.input.length], [true, 0, 2], 'all will be looked at again')
})

t.test('ScanState: fails for good', async (t) => {
  const state = stateOf('\n', { maxFrameLength: 3 }, 'abcdef')
  state.ending = 'terminator'
  t.throws(() => state.failTooLong(4), { code: 'ERR_FRAME_TOO_LONG', limit: 3, length: 4, offset: 0, framesBefore: 0 })
  t.match(state, { phase: 'failed', ending: null, error: { code: 'ERR_FRAME_TOO_LONG' } })
})
