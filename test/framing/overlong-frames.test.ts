import t from 'tap'
import { FrameScanner } from '../../src/framing/frame-scanner.js'
import { readPiece } from '../../src/framing/frame-pieces.js'
import { abandonSkip, readOverlong, readOverlongCount, redirectSkip, skipOn } from '../../src/framing/overlong-frames.js'
import { AGAIN, type ScanState, type Skip } from '../../src/framing/scan-state.js'
import { compileTerminator, type Terminator } from '../../src/framing/terminator.js'
import { readFrame } from '../../src/framing/whole-frames.js'
import { type Scan, scan, stateOf, told } from '../support/scan.js'

const discard = { overflow: 'discard' } as const
const truncate = { overflow: 'truncate' } as const

/** The limit is 4 bytes. */
const rows: readonly (Scan & { name: string; wanted: string[] })[] = [
  { name: 'fails, and the length is the limit + 1', terminator: '\n', input: 'abcdefg\nh\n', wanted: ['ERR_FRAME_TOO_LONG 0 5'] },
  { name: 'fails with the count, where it is one', terminator: 9, input: 'ab', wanted: ['ERR_FRAME_TOO_LONG 0 9'] },
  { name: 'discards up to the delimiter and delivers the good frame after it', terminator: '\r\n', options: discard, input: 'abcdef\r\ng\r\n', wanted: ['discarded 6', 'g terminator 8'] },
  { name: 'counts half a delimiter that is none', terminator: '\r\n', options: discard, input: 'abcde\rf\r\n', wanted: ['discarded 7'] },
  { name: 'discards to the end of input', terminator: '\r\n', options: discard, input: 'abcdef\r', wanted: ['discarded 7'] },
  { name: 'discards exactly a count', terminator: 5, options: discard, input: 'abcdefghijkl', wanted: ['discarded 5', 'discarded 5', 'discarded 2'] },
  { name: 'discards a count once, where it is not set again', terminator: 5, options: { ...discard, rearmCount: false }, input: 'abcdef', wanted: ['discarded 5', 'f piece 5'] },
  { name: 'truncates to the limit, when the end is known', terminator: ['\n', '\r\n'], options: truncate, input: 'abcdef\r\ng\n', wanted: ['abcd truncated 0 1', 'g terminator 8'] },
  { name: 'truncates a count', terminator: 6, options: truncate, input: 'abcdefabcdef', wanted: ['abcd truncated 0', 'abcd truncated 6'] },
  { name: 'delivers a truncated frame that the end cuts', terminator: '\n', options: truncate, input: 'abcdef', wanted: ['abcd truncated 0'] },
  { name: 'fails at a truncated frame that the end cuts, if told', terminator: '\n', options: { ...truncate, tail: 'error' }, input: 'abcdef', wanted: ['ERR_FRAME_INCOMPLETE 0 6'] },
  { name: 'drops a truncated frame that the end cuts, if told', terminator: '\n', options: { ...truncate, tail: 'drop' }, input: 'abcdef', wanted: [] },
]

for (const { name, wanted, ...row } of rows) {
  t.test(`overlong frames: ${name}`, async (t) => {
    t.same(scan(readFrame, row, 'whole'), wanted, 'whole')
    t.same(scan(readFrame, row, 'byte by byte'), wanted, 'byte by byte')
  })
}

/** Six bytes of a frame that goes on, skipped. */
function skipping(options: object): ScanState & { skip: Skip } {
  const state = stateOf('\r\n', options, 'abcdef\r')
  t.equal(readFrame(state), null)
  return state as ScanState & { skip: Skip }
}

t.test('readOverlong: holds nothing of what it skips but half a delimiter', async (t) => {
  const state = skipping(discard)
  t.same([state.phase, state.input.length, state.skip.discarded], ['skipping', 1, 6])
  state.input.write(Buffer.from('\nb\r\n'))
  t.equal(told(state, readFrame(state) as Uint8Array), 'b terminator 8')
})

t.test('readOverlong: skips what was delivered in pieces, less what is known', async (t) => {
  const state = stateOf('\n', truncate, 'abcde\n')
  t.equal(told(state, readPiece(state) as Uint8Array), 'abcd ... 0')
  state.searched = -1
  t.equal(told(state, readOverlong(state, 1, 1) as Uint8Array), ' truncated 0', 'nothing is kept for a second time')
})

t.test('readOverlong, readOverlongCount: do nothing in a tentative read', async (t) => {
  const state = stateOf(9, discard, 'abcde')
  state.isTentative = true
  t.same([readOverlong(state, 5, -1), readOverlongCount(state)], [null, null])
  t.same([state.isBlocked, state.phase, state.input.length], [true, 'framing', 5])
})

/** `abcdef\r` was looked at when the terminator is set, then `\nxyz` comes. */
const redirects: readonly [name: string, terminator: Terminator, reported: number[], unread: string][] = [
  ['up to the delimiter, though half of it was seen under another one', '\r\n', [6], 'xyz'],
  ['up to a shorter delimiter', '\n', [7], 'xyz'],
  ['on and on where it does not come', ';', [], ''],
  ['no further than it looked, for a count', 3, [7], '\nxyz'],
  ['no further than it looked, for null', null, [7], '\nxyz'],
]

t.test('redirectSkip: skips to the terminator that is set meanwhile', async (t) => {
  for (const [name, terminator, reported, unread] of redirects) {
    const log: number[] = []
    const state = skipping({ ...discard, onOverflow: (length: number) => log.push(length) })
    const rule = compileTerminator(terminator)
    redirectSkip(state, state.skip, rule)
    state.use(rule)
    state.input.write(Buffer.from('\nxyz'))
    t.equal(skipOn(state), reported.length === 0 ? null : AGAIN, name)
    t.same(log, reported, name)
    t.equal(Buffer.from(state.input.takeAll()).toString(), unread, name)
  }
})

t.test('Skip: knows where its frame began, should it be late', async (t) => {
  const scanner = new FrameScanner({ ...discard, terminator: '\n', maxFrameLength: 4 })
  scanner.write(Buffer.from('a\nbcdefgh'))
  t.same([scanner.read(), scanner.read()], [Buffer.from('a'), null])
  t.match(scanner.expire(9), { code: 'ERR_FRAME_TIMEOUT', limit: 9, offset: 2, framesBefore: 1 })
})

t.test('abandonSkip: leaves a discard to be reported, and a truncated frame to be forgotten', async (t) => {
  const discarding = skipping(discard)
  discarding.input.takeAll()
  abandonSkip(discarding, discarding.skip)
  t.same([discarding.phase, discarding.skip.left], ['skipping', 0])
  const truncating = skipping(truncate)
  abandonSkip(truncating, truncating.skip)
  t.same([truncating.phase, truncating.skip], ['framing', null])
})
