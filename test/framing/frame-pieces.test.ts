import t from 'tap'
import { knownEndLength, readPiece } from '../../src/framing/frame-pieces.js'
import type { ScanState } from '../../src/framing/scan-state.js'
import type { Terminator } from '../../src/framing/terminator.js'
import { type Scan, scan, stateOf, told } from '../support/scan.js'

interface Row extends Scan {
  readonly name: string
  readonly wanted: readonly string[]
  readonly wantedByteByByte: readonly string[]
}

const rows: readonly Row[] = [
  {
    name: 'delivers a frame that is there in one piece', terminator: '\n', input: 'ab\n\nc\n',
    wanted: ['ab terminator 0', ' terminator 3', 'c terminator 4'],
    wantedByteByByte: ['a ... 0', 'b ... 0', ' terminator 0', ' terminator 3', 'c ... 4', ' terminator 4'],
  },
  {
    name: 'holds back what may be the beginning of the delimiter, and no more', terminator: '\r\n', input: 'a\r\rb\r\n',
    wanted: ['a\r\rb terminator 0'],
    wantedByteByByte: ['a ... 0', '\r ... 0', '\r ... 0', 'b ... 0', ' terminator 0'],
  },
  {
    name: 'delivers the tail, with what was held back', terminator: '\r\n', input: 'ab\r',
    wanted: ['ab ... 0', '\r eof 0'],
    wantedByteByByte: ['a ... 0', 'b ... 0', '\r eof 0'],
  },
  {
    name: 'ends a tail of which nothing was held back with an empty piece', terminator: '\n', input: 'ab',
    wanted: ['ab ... 0', ' eof 0'],
    wantedByteByByte: ['a ... 0', 'b ... 0', ' eof 0'],
  },
  {
    name: 'delivers exactly the limit before it fails', terminator: '\n', input: 'abcdef\n',
    wanted: ['abcd ... 0', 'ERR_FRAME_TOO_LONG 0 5'],
    wantedByteByByte: ['a ... 0', 'b ... 0', 'c ... 0', 'd ... 0', 'ERR_FRAME_TOO_LONG 0 5'],
  },
  {
    name: 'delivers what is left of the limit from a tail that passes it', terminator: 'xyz', input: 'abcxy',
    wanted: ['abc ... 0', 'x ... 0', 'ERR_FRAME_TOO_LONG 0 5'],
    wantedByteByByte: ['a ... 0', 'b ... 0', 'c ... 0', 'x ... 0', 'ERR_FRAME_TOO_LONG 0 5'],
  },
  {
    name: 'truncates by a last, empty piece', terminator: '\n', options: { overflow: 'truncate' }, input: 'abcdef\ng\n',
    wanted: ['abcd ... 0', ' truncated 0', 'g terminator 7'],
    wantedByteByByte: ['a ... 0', 'b ... 0', 'c ... 0', 'd ... 0', ' truncated 0', 'g ... 7', ' terminator 7'],
  },
  {
    name: 'takes a count for its own limit', terminator: 6, input: 'abcdefgh',
    wanted: ['abcdef count 0', 'gh ... 6', 'ERR_FRAME_INCOMPLETE 6 2'],
    wantedByteByByte: ['a ... 0', 'b ... 0', 'c ... 0', 'd ... 0', 'e ... 0', 'f count 0', 'g ... 6', 'h ... 6', 'ERR_FRAME_INCOMPLETE 6 2'],
  },
  {
    name: 'reads an empty frame for 0, then passes', terminator: 0, input: 'ab',
    wanted: [' count 0', 'ab piece 0'],
    wantedByteByByte: [' count 0', 'a piece 0', 'b piece 1'],
  },
]

for (const { name, wanted, wantedByteByByte, ...row } of rows) {
  t.test(`readPiece: ${name}`, async (t) => {
    t.same(scan(readPiece, row, 'whole'), wanted, 'whole')
    t.same(scan(readPiece, row, 'byte by byte'), wantedByteByByte, 'byte by byte')
  })
}

t.test('readPiece: gives held bytes by themselves, for joining them with the chunk would copy it', async (t) => {
  const state = stateOf('\r\n', { maxFrameLength: 99 }, 'a\r')
  t.equal(told(state, readPiece(state) as Uint8Array), 'a ... 0')
  t.equal(readPiece(state), null)
  const chunk = Buffer.from('bcd\r\n')
  state.input.write(chunk)
  t.equal(told(state, readPiece(state) as Uint8Array), '\r ... 0')
  const piece = readPiece(state) as Uint8Array
  t.equal(told(state, piece), 'bcd terminator 0')
  t.equal(piece.buffer, chunk.buffer)
})

t.test('readPiece: refuses to discard what it has delivered, of a delimited frame', async (t) => {
  t.throws(() => readPiece(stateOf('\n', { overflow: 'discard' })), { code: 'ERR_INVALID_ARG_TYPE', message: /"overflow" argument/ })
  const state = stateOf(9, { overflow: 'discard' }, 'abc')
  t.equal(told(state, readPiece(state) as Uint8Array), 'abc ... 0', 'a count is its own limit, and never discarded')
})

/** As `FrameScanner.readContent()` does. */
function readContent(maxLength: number): (state: ScanState) => Uint8Array | null {
  return (state) => {
    state.endsApart = true
    state.maxPieceLength = maxLength
    return readPiece(state)
  }
}

const contents: readonly (Scan & { readonly name: string; readonly maxLength: number; readonly wanted: readonly string[] })[] = [
  { name: 'a frame and its end apart', terminator: '\r\n', maxLength: 9, input: 'ab\r\n\r\nc\r\n', wanted: ['ab ... 0', ' terminator 0', ' terminator 4', 'c ... 6', ' terminator 6'] },
  { name: 'pieces no longer than allowed', terminator: '\n', maxLength: 2, input: 'abcde\n', options: { maxFrameLength: 9 }, wanted: ['ab ... 0', 'cd ... 0', 'e ... 0', ' terminator 0'] },
  { name: 'a count and its end apart', terminator: 5, maxLength: 2, input: 'abcdef', options: { rearmCount: false }, wanted: ['ab ... 0', 'cd ... 0', 'e ... 0', ' count 0', 'f piece 5'] },
  { name: 'a count of 0', terminator: 0, maxLength: 2, input: 'abc', wanted: [' count 0', 'ab piece 0', 'c piece 2'] },
  { name: 'what passes', terminator: null, maxLength: 2, input: 'abc', wanted: ['ab piece 0', 'c piece 2'] },
  { name: 'a tail', terminator: 'xyz', maxLength: 1, input: 'axy', wanted: ['a ... 0', 'x ... 0', 'y eof 0'] },
  { name: 'exactly the limit before it fails', terminator: '\n', maxLength: 3, input: 'abcde\n', wanted: ['abc ... 0', 'd ... 0', 'ERR_FRAME_TOO_LONG 0 5'] },
  { name: 'a truncated frame', terminator: '\n', maxLength: 3, input: 'abcde\nf\n', options: { overflow: 'truncate' }, wanted: ['abc ... 0', 'd ... 0', ' truncated 0', 'f ... 6', ' terminator 6'] },
  { name: 'which delimiter it was', terminator: ['\n', '||'], maxLength: 3, input: 'a||', wanted: ['a ... 0', ' terminator 0 1'] },
]

for (const { name, maxLength, wanted, ...row } of contents) {
  t.test(`readPiece: gives ends apart: ${name}`, async (t) => {
    t.same(scan(readContent(maxLength), row, 'whole'), wanted)
  })
}

t.test('readPiece: searches a chunk once, however many pieces of it are taken', async (t) => {
  const state = stateOf('\n', { maxFrameLength: 99 }, `${'x'.repeat(50)}\n`)
  const read = readContent(1)
  while (read(state) !== null);
  t.ok(state.bytesLookedAt <= 102, `${state.bytesLookedAt}`)
})

t.test('knownEndLength: says how long the end is of a frame whose content was delivered', async (t) => {
  const rows: readonly [name: string, terminator: Terminator, input: string, reads: number, wanted: number][] = [
    ['nothing was read', '\r\n', 'ab\r\n', 0, -1],
    ['all but the delimiter', '\r\n', 'ab\r\n', 1, 2],
    ['the delimiter too', '\r\n', 'ab\r\n', 2, -1],
    ['the end is not there', '\r\n', 'ab\r', 1, -1],
    ['there is more content', '\r\n', 'abcd\r\n', 1, -1],
    ['all of a count', 2, 'abc', 1, 0],
    ['a part of a count', 9, 'ab', 1, -1],
    ['null has no end', null, 'ab', 1, -1],
    ['the longer one of a set', ['\n', '||'], 'ab||', 1, 2],
  ]
  for (const [name, terminator, input, reads, wanted] of rows) {
    const state = stateOf(terminator, { maxFrameLength: 9, rearmCount: false }, input)
    for (let count = 0; count < reads; count++) readContent(3)(state)
    t.equal(knownEndLength(state), wanted, name)
  }
  const next = stateOf('\n', {}, 'ab')
  readContent(9)(next)
  next.input.write(Buffer.from('\n'))
  t.equal(knownEndLength(next), -1, 'a chunk that was not looked at')
  const failed = stateOf('\n', { maxFrameLength: 1 }, 'abc\n')
  readContent(9)(failed)
  t.throws(() => readContent(9)(failed))
  t.equal(knownEndLength(failed), -1, 'a frame that failed')
})
