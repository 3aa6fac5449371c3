import t from 'tap'
import { readFrame } from '../../src/framing/whole-frames.js'
import { type Scan, scan, stateOf } from '../support/scan.js'

interface Row extends Scan {
  readonly name: string
  /** Byte by byte, where it differs: only under null does it. */
  readonly wanted: readonly string[]
  readonly wantedByteByByte?: readonly string[]
}

const rows: readonly Row[] = [
  { name: 'reads frames up to a delimiter, empty ones too', terminator: '\r\n', input: 'ab\r\n\r\nc\r\n', wanted: ['ab terminator 0', ' terminator 4', 'c terminator 6'] },
  { name: 'delivers what the end of input leaves', terminator: '\n', input: 'a\nbc', wanted: ['a terminator 0', 'bc eof 2'] },
  { name: 'takes half a delimiter at the end for content', terminator: '\r\n', input: 'a\r', wanted: ['a\r eof 0'] },
  { name: 'delivers no empty tail', terminator: '\n', input: 'a\n', wanted: ['a terminator 0'] },
  { name: 'reads a count, again and again', terminator: 2, input: 'abcd', wanted: ['ab count 0', 'cd count 2'] },
  { name: 'fails at a count that the end cuts', terminator: 3, input: 'abcde', wanted: ['abc count 0', 'ERR_FRAME_INCOMPLETE 3 2'] },
  { name: 'reads an empty frame for 0, then passes', terminator: 0, input: 'ab', wanted: [' count 0', 'ab piece 0'], wantedByteByByte: [' count 0', 'a piece 0', 'b piece 1'] },
  { name: 'passes bytes as they come under null', terminator: null, input: 'a\nb', wanted: ['a\nb piece 0'], wantedByteByByte: ['a piece 0', '\n piece 1', 'b piece 2'] },
  { name: 'takes a frame of the limit, whose delimiter does not count', terminator: '\r\n', input: 'abcd\r\ne', wanted: ['abcd terminator 0', 'e eof 6'] },
  { name: 'fails at a frame past the limit, whose end is there or not', terminator: '\r\n', input: 'abcde\r\n', wanted: ['ERR_FRAME_TOO_LONG 0 5'] },
  { name: 'counts half a delimiter at the end of input', terminator: '\r\n', input: 'abcd\r', wanted: ['ERR_FRAME_TOO_LONG 0 5'] },
  { name: 'fails at a count past the limit before a byte of it is held', terminator: 5, input: '', wanted: ['ERR_FRAME_TOO_LONG 0 5'] },
  { name: 'ends a discard of which no byte came', terminator: 5, options: { overflow: 'discard' }, input: '', wanted: [] },
  { name: 'truncates a count, which one byte past the limit is enough for', terminator: 6, options: { overflow: 'truncate' }, input: 'abcde', wanted: ['ERR_FRAME_INCOMPLETE 0 5'] },
  { name: 'takes a count that the end cuts at the limit for a cut one', terminator: 6, options: { overflow: 'truncate', tail: 'emit' }, input: 'abcd', wanted: ['abcd eof 0'] },
]

for (const { name, wanted, wantedByteByByte = wanted, ...row } of rows) {
  t.test(`readFrame: ${name}`, async (t) => {
    t.same(scan(readFrame, row, 'whole'), wanted, 'whole')
    t.same(scan(readFrame, row, 'byte by byte'), wantedByteByByte, 'byte by byte')
  })
}

t.test('readFrame: has no ending where it read nothing', async (t) => {
  const state = stateOf('\n', {}, 'a\nb')
  readFrame(state)
  t.equal(state.ending, 'terminator')
  t.equal(readFrame(state), null)
  t.equal(state.ending, null)
})

t.test('readFrame: throws the same error until it is cleared', async (t) => {
  const state = stateOf('\n', { maxFrameLength: 1 }, 'ab\n')
  t.throws(() => readFrame(state), { code: 'ERR_FRAME_TOO_LONG' })
  const { error } = state
  try {
    readFrame(state)
    t.fail('it has to throw')
  } catch (again) {
    t.equal(again, error)
  }
})
