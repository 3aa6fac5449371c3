import t from 'tap'
import { readPiece } from '../../src/framing/frame-pieces.js'
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
