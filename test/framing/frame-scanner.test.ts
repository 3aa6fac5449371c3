/**
 * `FrameScanner` against the contract, sentence by sentence (DESIGN 3 and 4).
 *
 * Tables first: each row is fed whole, byte by byte and at every cut, read eagerly and late, and the model of
 * `test/support/model.ts`, on which the laws rest, must say the same as the row. Then stories, for what a
 * caller does between writes.
 */

import { runInNewContext } from 'node:vm'
import t from 'tap'
import { FrameScanner, FramingError } from '../../src/framing/index.js'
import type { Ending, FrameRule, FrameScannerOptions, Terminator } from '../../src/framing/index.js'
import { byteByByte, cutAt, EVERY_CUT_MAX_LENGTH, everyCut, guarded } from '../support/cuts.js'
import { runScanner } from '../support/drive.js'
import type { Drive } from '../support/drive.js'
import { latin1, runModel } from '../support/model.js'
import type { ModelError, ModelOptions } from '../support/model.js'

type Tap = Pick<typeof t, 'ok' | 'match' | 'equal' | 'same'>

type Frame = readonly [data: string, ending: Ending, offset: number, matched?: number]

interface Row {
  readonly name: string
  /** One terminator, or (as `script`) one for each frame. */
  readonly terminator?: Terminator
  readonly script?: readonly Terminator[]
  readonly options?: ModelOptions
  readonly input: string
  readonly frames: readonly Frame[]
  readonly error?: ModelError
  readonly discarded?: readonly number[]
  /** Without it the input ends. With it, it does not, and this is left; after an error it is what is left in any case. */
  readonly unread?: string
  /** Read in pieces too: the same frames, joined. Not where a limit or the end makes pieces different. */
  readonly pieces?: boolean
}

/** Left as the scanner has it: the contract does not say. */
const OPEN = 'open'
const MAX_COUNT = Number.MAX_SAFE_INTEGER

const delimiterRows: readonly Row[] = [
  { name: 'a string', terminator: '\n', input: 'a\nbc\n\nd', frames: [['a', 'terminator', 0], ['bc', 'terminator', 2], ['', 'terminator', 5], ['d', 'eof', 6]], pieces: true },
  { name: 'bytes', terminator: Uint8Array.of(10), input: 'a\nb\n', frames: [['a', 'terminator', 0], ['b', 'terminator', 2]], pieces: true },
  { name: 'a Buffer', terminator: Buffer.from('\r\n'), input: 'a\r\nb\r\n', frames: [['a', 'terminator', 0], ['b', 'terminator', 3]], pieces: true },
  { name: 'a string beyond ASCII is its UTF-8 bytes', terminator: '→', input: 'a\xe2\x86\x92b\xe2\x86', frames: [['a', 'terminator', 0], ['b\xe2\x86', 'eof', 4]], pieces: true },
  { name: 'a surrogate pair is four bytes', terminator: '😀', input: 'a\xf0\x9f\x98\x80b', frames: [['a', 'terminator', 0], ['b', 'eof', 5]], pieces: true },
  { name: 'zero bytes', terminator: '\0', input: 'a\0\0b', frames: [['a', 'terminator', 0], ['', 'terminator', 2], ['b', 'eof', 3]], pieces: true },
  { name: 'a byte above 127', terminator: Uint8Array.of(0xff, 0), input: 'a\xff\xff\0b', frames: [['a\xff', 'terminator', 0], ['b', 'eof', 4]], pieces: true },
  { name: 'the leftmost match wins', terminator: 'aa', input: 'baaab', frames: [['b', 'terminator', 0], ['ab', 'eof', 3]], pieces: true },
  { name: 'matches do not overlap', terminator: 'aba', input: 'ababab', frames: [['', 'terminator', 0], ['bab', 'eof', 3]], pieces: true },
  { name: 'a prefix that fails is content', terminator: 'aab', input: 'aaaabx', frames: [['aa', 'terminator', 0], ['x', 'eof', 5]], pieces: true },
  { name: 'a prefix that fails in the middle is looked at again', terminator: 'abab', input: 'abaababx', frames: [['aba', 'terminator', 0], ['x', 'eof', 7]], pieces: true },
  { name: 'a CR before CRLF is content', terminator: '\r\n', input: 'a\r\r\nb', frames: [['a\r', 'terminator', 0], ['b', 'eof', 4]], pieces: true },
  { name: 'a match never reaches back into a consumed delimiter', script: ['\r\n', '\r\n\r\n'], input: 'a\r\n\r\nb\r\n\r\nc', frames: [['a', 'terminator', 0], ['\r\nb', 'terminator', 3], ['c', 'eof', 10]], pieces: true },
  { name: 'a match never reaches back into a consumed count', script: [2, 'ab'], input: 'xabab', frames: [['xa', 'count', 0], ['b', 'terminator', 2]], pieces: true },
  { name: 'an empty input', terminator: '\n', input: '', frames: [], pieces: true },
  { name: 'an input that ends with its delimiter has no empty tail', terminator: '\n', input: 'a\n', frames: [['a', 'terminator', 0]], pieces: true },
  { name: 'a delimiter longer than the input', terminator: 'abcdef', input: 'abcde', frames: [['abcde', 'eof', 0]], pieces: true },
  { name: 'what is unfinished stays', terminator: '\r\n', input: 'a\r\nbc\r', frames: [['a', 'terminator', 0]], unread: 'bc\r' },
  { name: 'the default is null: bytes pass through', options: {}, input: 'abc', frames: [['abc', 'piece', 0]], pieces: true },
]

const setRows: readonly Row[] = [
  { name: 'any of several, and which', terminator: [';', '||', '\t'], input: 'a;b||c\td', frames: [['a', 'terminator', 0, 0], ['b', 'terminator', 2, 1], ['c', 'terminator', 5, 2], ['d', 'eof', 7]], pieces: true },
  { name: 'the longest of those that end together', terminator: ['\n', '\r\n'], input: 'a\r\nb\nc', frames: [['a', 'terminator', 0, 1], ['b', 'terminator', 3, 0], ['c', 'eof', 5]], pieces: true },
  { name: 'whichever is listed first', terminator: ['\r\n', '\n'], input: 'a\r\nb\nc', frames: [['a', 'terminator', 0, 0], ['b', 'terminator', 3, 1], ['c', 'eof', 5]], pieces: true },
  { name: 'the one that ends first, though another began before it', terminator: ['abcd', 'cx'], input: 'abcxabcd', frames: [['ab', 'terminator', 0, 1], ['', 'terminator', 4, 0]], pieces: true },
  { name: 'a longer one does not reach back over a frame border', script: [['\n', '\0'], ['\n', '\0\n']], input: 'a\0\nb', frames: [['a', 'terminator', 0, 1], ['', 'terminator', 2, 0], ['b', 'eof', 3]], pieces: true },
  { name: 'an array of one', terminator: ['\n'], input: 'a\nb', frames: [['a', 'terminator', 0, 0], ['b', 'eof', 2]], pieces: true },
  { name: 'strings and bytes mixed', terminator: ['\r\n', Uint8Array.of(0)], input: 'a\0b\r\n', frames: [['a', 'terminator', 0, 1], ['b', 'terminator', 2, 0]], pieces: true },
  { name: 'a member given twice', terminator: [';', ';'], input: 'a;b;', frames: [['a', 'terminator', 0], ['b', 'terminator', 2]], pieces: true },
  { name: 'more delimiters than one would search for one by one', terminator: [...Array.from('ABCDEFGHIJKLMNOPQRST'), '\r\n'], input: 'a\r\nbTc\rAd', frames: [['a', 'terminator', 0, 20], ['b', 'terminator', 3, 19], ['c\r', 'terminator', 5, 0], ['d', 'eof', 8]], pieces: true },
  { name: 'a single delimiter is number 0', script: [['x', 'y'], 'z'], input: 'aybz', frames: [['a', 'terminator', 0, 1], ['b', 'terminator', 2, 0]], pieces: true },
]

const countRows: readonly Row[] = [
  { name: 'a count is set again by itself', terminator: 3, input: 'abcdefg', frames: [['abc', 'count', 0], ['def', 'count', 3]], unread: 'g', pieces: false },
  { name: 'a count not set again is followed by null', terminator: 3, options: { rearmCount: false }, input: 'abcdefg', frames: [['abc', 'count', 0], ['defg', 'piece', 3]], pieces: true },
  { name: 'a count cut by the end is an error with its bytes', terminator: 3, input: 'abcde', frames: [['abc', 'count', 0]], error: { code: 'ERR_FRAME_INCOMPLETE', length: 2, offset: 3, bytes: 'de', framesBefore: 1 } },
  { name: 'a count that ends with the input', terminator: 3, input: 'abcdef', frames: [['abc', 'count', 0], ['def', 'count', 3]], pieces: true },
  { name: '0 is one empty frame, and then null', terminator: 0, input: 'abc', frames: [['', 'count', 0], ['abc', 'piece', 0]], pieces: true },
  { name: '0 without any input', terminator: 0, input: '', frames: [['', 'count', 0]], pieces: true },
  { name: '0 between frames', script: ['\n', 0, '\n'], input: 'a\nb\n', frames: [['a', 'terminator', 0], ['', 'count', 2], ['b', 'terminator', 2]], pieces: true },
  { name: 'the largest count', terminator: MAX_COUNT, options: { maxFrameLength: Infinity }, input: 'abc', frames: [], unread: 'abc' },
  { name: 'null passes everything', terminator: null, input: 'a\nb', frames: [['a\nb', 'piece', 0]], pieces: true },
  { name: 'a line, then as many bytes, then a line', script: ['\n', 3, '\n'], input: '3\na\nbc\nd', frames: [['3', 'terminator', 0], ['a\nb', 'count', 2], ['c', 'terminator', 5], ['d', 'eof', 7]], pieces: true },
  { name: 'a count across delimiters of the script before', script: ['\r\n\r\n', 4, '\r\n\r\n'], input: 'h\r\n\r\nab\r\nx', frames: [['h', 'terminator', 0], ['ab\r\n', 'count', 5], ['x', 'eof', 9]], pieces: true },
]

const ruleRows: readonly Row[] = [
  { name: 'a rule without limits is its terminator', terminator: { until: '\n' }, input: 'a\nb', frames: [['a', 'terminator', 0], ['b', 'eof', 2]], pieces: true },
  { name: 'a rule with a set', terminator: { until: ['\n', '\0'] }, input: 'a\0b', frames: [['a', 'terminator', 0, 1], ['b', 'eof', 2]], pieces: true },
  { name: 'a rule with a count', terminator: { until: 2 }, input: 'abcd', frames: [['ab', 'count', 0], ['cd', 'count', 2]], pieces: true },
  { name: 'a rule with a count of 0', terminator: { until: 0 }, input: 'a', frames: [['', 'count', 0], ['a', 'piece', 0]], pieces: true },
  { name: 'a rule with null', terminator: { until: null, maxFrameLength: 1 }, input: 'abc', frames: [['abc', 'piece', 0]], pieces: true },
  { name: 'a limit of its own below the scanner\'s', terminator: { until: '\n', maxFrameLength: 2 }, input: 'ab\nabc\n', frames: [['ab', 'terminator', 0]], error: { code: 'ERR_FRAME_TOO_LONG', limit: 2, length: 3, offset: 3, framesBefore: 1 }, unread: 'abc\n' },
  { name: 'a limit of its own above the scanner\'s', terminator: { until: '\n', maxFrameLength: 5 }, options: { maxFrameLength: 1 }, input: 'abc\n', frames: [['abc', 'terminator', 0]], pieces: true },
  { name: 'a limit for its own frame only', script: ['\n', { until: '\n', maxFrameLength: 9 }, '\n'], options: { maxFrameLength: 2 }, input: 'ab\nabcdef\nabc\n', frames: [['ab', 'terminator', 0], ['abcdef', 'terminator', 3]], error: { code: 'ERR_FRAME_TOO_LONG', limit: 2, length: 3, offset: 10, framesBefore: 2 }, unread: 'abc\n' },
  { name: 'an overflow policy of its own', terminator: { until: '\n', maxFrameLength: 2, overflow: 'discard' }, input: 'abc\nd\n', frames: [['d', 'terminator', 4]], discarded: [3] },
  { name: 'a rule stays until another is set', terminator: { until: 2, maxFrameLength: 2 }, options: { maxFrameLength: 1 }, input: 'abcd', frames: [['ab', 'count', 0], ['cd', 'count', 2]], pieces: true },
]

const limitRows: readonly Row[] = [
  { name: 'content of exactly the limit', terminator: '\r\n', options: { maxFrameLength: 3 }, input: 'abc\r\nd', frames: [['abc', 'terminator', 0], ['d', 'eof', 5]], pieces: true },
  { name: 'one byte too many', terminator: '\r\n', options: { maxFrameLength: 3 }, input: 'a\r\nabcd\r\n', frames: [['a', 'terminator', 0]], error: { code: 'ERR_FRAME_TOO_LONG', limit: 3, length: 4, offset: 3, framesBefore: 1 }, unread: 'abcd\r\n' },
  { name: 'the length is limit + 1 however long the frame is', terminator: '\n', options: { maxFrameLength: 1 }, input: 'abcdefgh\nx', frames: [], error: { code: 'ERR_FRAME_TOO_LONG', limit: 1, length: 2, offset: 0, framesBefore: 0 }, unread: 'abcdefgh\nx' },
  { name: 'a partial delimiter does not count', terminator: '\r\n\r\n', options: { maxFrameLength: 3 }, input: 'abc\r\n\r', frames: [], unread: 'abc\r\n\r' },
  { name: 'a partial delimiter that fails counts', terminator: '\r\n', options: { maxFrameLength: 3 }, input: 'abc\rd', frames: [], error: { code: 'ERR_FRAME_TOO_LONG', limit: 3, length: 4, offset: 0, framesBefore: 0 }, unread: 'abc\rd' },
  { name: 'a partial delimiter counts at the end of input', terminator: '\r\n', options: { maxFrameLength: 3 }, input: 'abc\r', frames: [], error: { code: 'ERR_FRAME_TOO_LONG', limit: 3, length: 4, offset: 0, framesBefore: 0 } },
  { name: 'a tail of exactly the limit', terminator: '\r\n', options: { maxFrameLength: 3 }, input: 'ab\r', frames: [['ab\r', 'eof', 0]], pieces: true },
  { name: 'a kept terminator does not count', terminator: '\r\n', options: { maxFrameLength: 3, keepTerminator: true }, input: 'abc\r\nd', frames: [['abc\r\n', 'terminator', 0], ['d', 'eof', 5]], pieces: true },
  { name: 'the longest of a set counts least', terminator: ['\n', '\r\n'], options: { maxFrameLength: 1 }, input: 'a\r\nb\r', frames: [['a', 'terminator', 0, 1]], unread: 'b\r' },
  { name: 'a count of exactly the limit', terminator: 3, options: { maxFrameLength: 3 }, input: 'abcdef', frames: [['abc', 'count', 0], ['def', 'count', 3]], pieces: true },
  { name: 'a count above the limit fails before its bytes', script: ['\n', 4], options: { maxFrameLength: 3 }, input: '4\nab', frames: [['4', 'terminator', 0]], error: { code: 'ERR_FRAME_TOO_LONG', limit: 3, length: 4, offset: 2, framesBefore: 1 }, unread: 'ab' },
  { name: 'a count above the limit fails without a byte', terminator: 4, options: { maxFrameLength: 3 }, input: '', frames: [], error: { code: 'ERR_FRAME_TOO_LONG', limit: 3, length: 4, offset: 0, framesBefore: 0 }, unread: '' },
  { name: 'null has no limit', terminator: null, options: { maxFrameLength: 1 }, input: 'abcdef', frames: [['abcdef', 'piece', 0]], pieces: true },
]

const discardRows: readonly Row[] = [
  { name: 'the good frame after an over-long one', terminator: '\n', options: { overflow: 'discard', maxFrameLength: 2 }, input: 'abc\nd\nefgh\ni', frames: [['d', 'terminator', 4], ['i', 'eof', 11]], discarded: [3, 4] },
  { name: 'a delimiter cut by the discard is seen', terminator: '\r\n', options: { overflow: 'discard', maxFrameLength: 3 }, input: 'toolong\r\nok\r\n', frames: [['ok', 'terminator', 9]], discarded: [7] },
  { name: 'two over-long frames running', terminator: '\r\n', options: { overflow: 'discard', maxFrameLength: 1 }, input: 'ab\r\ncd\r\n\r\n', frames: [['', 'terminator', 8]], discarded: [2, 2] },
  { name: 'an over-long tail is discarded', terminator: '\r\n', options: { overflow: 'discard', maxFrameLength: 1 }, input: 'a\r\nbc\r', frames: [['a', 'terminator', 0]], discarded: [3] },
  { name: 'a partial delimiter makes the tail over-long', terminator: '\r\n', options: { overflow: 'discard', maxFrameLength: 2 }, input: 'ab\r', frames: [], discarded: [3] },
  { name: 'a self-overlapping delimiter', terminator: 'aab', options: { overflow: 'discard', maxFrameLength: 1 }, input: 'bbaaabaaabc', frames: [['a', 'terminator', 6], ['c', 'eof', 10]], discarded: [3] },
  { name: 'a count skips exactly its bytes', script: [4], options: { overflow: 'discard', maxFrameLength: 3 }, input: 'abcdefgh', frames: [], discarded: [4, 4] },
  { name: 'a count that is skipped, then what is set next', script: ['\n', { until: 4, maxFrameLength: 3, overflow: 'discard' }, '\n'], options: { rearmCount: false }, input: 'x\nabcdy\nz', frames: [['x', 'terminator', 0], ['y\nz', 'piece', 6]], discarded: [4] },
  { name: 'a count cut while it is skipped', terminator: 6, options: { overflow: 'discard', maxFrameLength: 3 }, input: 'abcdefgh', frames: [], discarded: [6, 2] },
  { name: 'a set', terminator: ['\n', '||'], options: { overflow: 'discard', maxFrameLength: 1 }, input: 'abc||d\nef\ng', frames: [['d', 'terminator', 5, 0], ['g', 'eof', 10]], discarded: [3, 2] },
  { name: 'nothing to discard', terminator: '\n', options: { overflow: 'discard', maxFrameLength: 1 }, input: 'a\nb\n', frames: [['a', 'terminator', 0], ['b', 'terminator', 2]], discarded: [] },
]

const truncateRows: readonly Row[] = [
  { name: 'the first bytes, when the end is known', terminator: '\n', options: { overflow: 'truncate', maxFrameLength: 2 }, input: 'abcd\nef\n', frames: [['ab', 'truncated', 0], ['ef', 'terminator', 5]], pieces: true },
  { name: 'nothing before the end is known', terminator: '\n', options: { overflow: 'truncate', maxFrameLength: 2 }, input: 'x\nabcd', frames: [['x', 'terminator', 0]], unread: OPEN },
  { name: 'a tail', terminator: '\r\n', options: { overflow: 'truncate', maxFrameLength: 2 }, input: 'abc\r', frames: [['ab', 'truncated', 0]], pieces: true },
  { name: 'a tail where tails are errors', terminator: '\n', options: { overflow: 'truncate', maxFrameLength: 2, tail: 'error' }, input: 'x\nabcd', frames: [['x', 'terminator', 0]], error: { code: 'ERR_FRAME_INCOMPLETE', length: 4, offset: 2, bytes: 'ab', framesBefore: 1 } },
  { name: 'a tail where tails are dropped', terminator: '\n', options: { overflow: 'truncate', maxFrameLength: 2, tail: 'drop' }, input: 'x\nabcd', frames: [['x', 'terminator', 0]] },
  { name: 'a tail after another member of the set', terminator: [';', '\n'], options: { overflow: 'truncate', maxFrameLength: 2 }, input: 'x\nabc', frames: [['x', 'terminator', 0, 1], ['ab', 'truncated', 2, 0]], pieces: true },
  { name: 'a cut count', terminator: 5, options: { overflow: 'truncate', maxFrameLength: 2 }, input: 'abcd', frames: [], error: { code: 'ERR_FRAME_INCOMPLETE', length: 4, offset: 0, bytes: 'ab', framesBefore: 0 } },
  { name: 'a cut count where tails are frames', terminator: 5, options: { overflow: 'truncate', maxFrameLength: 2, tail: 'emit' }, input: 'abcd', frames: [['ab', 'truncated', 0]] },
  { name: 'a cut count of which nothing is missing', terminator: 5, options: { overflow: 'truncate', maxFrameLength: 2, tail: 'emit' }, input: 'ab', frames: [['ab', 'eof', 0]] },
  { name: 'which delimiter it was', terminator: ['\n', '||'], options: { overflow: 'truncate', maxFrameLength: 2 }, input: 'abc||d', frames: [['ab', 'truncated', 0, 1], ['d', 'eof', 5]], pieces: true },
  { name: 'a kept terminator goes with the rest', terminator: '\n', options: { overflow: 'truncate', maxFrameLength: 2, keepTerminator: true }, input: 'abcd\nef\n', frames: [['ab', 'truncated', 0], ['ef\n', 'terminator', 5]], pieces: true },
  { name: 'a delimiter cut by the border of the limit', terminator: 'aab', options: { overflow: 'truncate', maxFrameLength: 1 }, input: 'aaabxaab', frames: [['a', 'terminator', 0], ['x', 'terminator', 4]], pieces: true },
  { name: 'a count', terminator: 4, options: { overflow: 'truncate', maxFrameLength: 3 }, input: 'abcdefgh', frames: [['abc', 'truncated', 0], ['efg', 'truncated', 4]] },
]

const tailRows: readonly Row[] = [
  { name: 'a delimited tail is a frame', terminator: '\n', input: 'a\nb', frames: [['a', 'terminator', 0], ['b', 'eof', 2]], pieces: true },
  { name: 'a delimited tail dropped', terminator: '\n', options: { tail: 'drop' }, input: 'a\nb', frames: [['a', 'terminator', 0]] },
  { name: 'a delimited tail as an error', terminator: '\n', options: { tail: 'error' }, input: 'a\nb', frames: [['a', 'terminator', 0]], error: { code: 'ERR_FRAME_INCOMPLETE', length: 1, offset: 2, bytes: 'b', framesBefore: 1 } },
  { name: 'a held partial delimiter belongs to the tail', terminator: '\r\n', options: { tail: 'error' }, input: 'a\r', frames: [], error: { code: 'ERR_FRAME_INCOMPLETE', length: 2, offset: 0, bytes: 'a\r', framesBefore: 0 } },
  { name: 'a counted tail as a frame', terminator: 4, options: { tail: 'emit' }, input: 'abcdef', frames: [['abcd', 'count', 0], ['ef', 'eof', 4]], pieces: true },
  { name: 'a counted tail dropped', terminator: 4, options: { tail: 'drop' }, input: 'abcdef', frames: [['abcd', 'count', 0]] },
  { name: 'an empty tail is never an error', terminator: '\n', options: { tail: 'error' }, input: 'a\n', frames: [['a', 'terminator', 0]], pieces: true },
  { name: 'an empty counted tail is never an error', terminator: 2, input: 'ab', frames: [['ab', 'count', 0]], pieces: true },
  { name: 'null leaves no tail', terminator: null, options: { tail: 'error' }, input: 'ab', frames: [['ab', 'piece', 0]], pieces: true },
  { name: 'a tail under a script', script: ['\n', 3], input: 'a\nbc', frames: [['a', 'terminator', 0]], error: { code: 'ERR_FRAME_INCOMPLETE', length: 2, offset: 2, bytes: 'bc', framesBefore: 1 } },
]

const keepRows: readonly Row[] = [
  { name: 'a delimiter', terminator: '\r\n', options: { keepTerminator: true }, input: 'a\r\n\r\nb', frames: [['a\r\n', 'terminator', 0], ['\r\n', 'terminator', 3], ['b', 'eof', 5]], pieces: true },
  { name: 'the one of a set', terminator: ['\n', '\r\n'], options: { keepTerminator: true }, input: 'a\r\nb\nc', frames: [['a\r\n', 'terminator', 0, 1], ['b\n', 'terminator', 3, 0], ['c', 'eof', 5]], pieces: true },
  { name: 'a count has none', terminator: 2, options: { keepTerminator: true }, input: 'abcd', frames: [['ab', 'count', 0], ['cd', 'count', 2]], pieces: true },
]

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1')

function* cutsOf(input: string): Generator<readonly Uint8Array[]> {
  const bytes = bytesOf(input)
  yield [guarded(bytes)]
  yield byteByByte(bytes)
  if (bytes.length <= EVERY_CUT_MAX_LENGTH) yield* everyCut(bytes)
  else for (let position = 1; position < bytes.length; position += 1) yield cutAt(bytes, [position])
}

function shownFrames(frames: readonly { data: string; ending: Ending; offset: number; matched: number }[]): string {
  return JSON.stringify(frames.map(({ data, ending, offset, matched }) => [data, ending, offset, matched]))
}

function shownError(error: ModelError | null | undefined): string {
  if (error === null || error === undefined) return 'none'
  return JSON.stringify([error.code, error.limit, error.length, error.offset, error.bytes, error.framesBefore])
}

/** What a row says, and what a trace of it says, in the same words. */
function wantedOf({ frames, error, discarded = [], unread }: Row, ended: boolean): string {
  const shown = shownFrames(frames.map(([data, ending, offset, matched = 0]) => ({ data, ending, offset, matched })))
  const left = unread === undefined && ended ? OPEN : unread
  return `${shown} error ${shownError(error)} discarded ${JSON.stringify(discarded)} unread ${JSON.stringify(left)}`
}

function differencesOf(row: Row): string[] {
  const { options = {}, input, pieces = false, unread } = row
  const script = row.script ?? [row.terminator ?? null]
  const ended = unread === undefined || row.error !== undefined
  const wanted = wantedOf(row, ended)
  const found: string[] = []
  const note = (label: string, trace: ReturnType<typeof runModel>): void => {
    const open = wanted.endsWith(`unread "${OPEN}"`)
    const seen = `${shownFrames(trace.frames)} error ${shownError(trace.error)} discarded ${JSON.stringify(trace.discarded)} unread ${JSON.stringify(open ? OPEN : trace.unread)}`
    if (seen !== wanted) found.push(`${label}: got ${seen}, wanted ${wanted}`)
  }
  note('model', runModel(input, script, options, { ended }))
  const drives: Drive[] = [{ moment: 'eager', ended }, { moment: 'late', ended }]
  if (pieces) drives.push({ moment: 'eager', piecewise: true, ended }, { moment: 'late', piecewise: true, ended })
  for (const drive of drives) {
    for (const chunks of cutsOf(input)) {
      const trace = runScanner(chunks, script, options, drive)
      note(`${JSON.stringify(drive)} ${JSON.stringify(chunks.map(latin1))}`, trace)
      if (trace.oddities.length > 0) found.push(trace.oddities.join(', '))
    }
  }
  return found.slice(0, 2)
}

const TABLES: readonly (readonly [string, readonly Row[]])[] = [
  ['a delimiter ends a frame', delimiterRows],
  ['any of several delimiters ends a frame', setRows],
  ['a count ends a frame', countRows],
  ['a rule carries its own limits', ruleRows],
  ['maxFrameLength counts content', limitRows],
  ['discard skips over-long frames', discardRows],
  ['truncate delivers the beginning of over-long frames', truncateRows],
  ['tail decides about the unfinished frame at the end', tailRows],
  ['keepTerminator leaves the delimiter on', keepRows],
]

for (const [title, rows] of TABLES) {
  t.test(`FrameScanner: ${title}`, async (t) => {
    for (const row of rows) t.same(differencesOf(row), [], row.name)
  })
}

function thrownBy(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  return undefined
}

const asTerminator = (value: unknown): Terminator => value as Terminator
const newScanner = (options: unknown): FrameScanner => new FrameScanner(options as FrameScannerOptions)

/** A wrong argument: what kind of error, and what its message must show. */
interface BadValue {
  readonly name: string
  readonly value: unknown
  readonly error: 'TypeError' | 'RangeError'
  readonly shown: RegExp
}

const CODES = { TypeError: 'ERR_INVALID_ARG_TYPE', RangeError: 'ERR_OUT_OF_RANGE' } as const

const badTerminators: readonly BadValue[] = [
  { name: 'an empty string', value: '', error: 'TypeError', shown: /""|''/ },
  { name: 'no bytes', value: new Uint8Array(0), error: 'TypeError', shown: /Uint8Array|empty|\[\]/i },
  { name: 'an empty array', value: [], error: 'TypeError', shown: /\[\]/ },
  { name: 'an array with an empty delimiter', value: ['a', ''], error: 'TypeError', shown: /""|''/ },
  { name: 'an array in an array', value: [['a']], error: 'TypeError', shown: /array|\[/i },
  { name: 'a count in an array', value: ['a', 5], error: 'TypeError', shown: /5/ },
  { name: 'null in an array', value: [null], error: 'TypeError', shown: /null/ },
  { name: 'a delimiter that contains another', value: ['bc', 'abcd'], error: 'TypeError', shown: /bc.*abcd|abcd.*bc/ },
  { name: 'bytes that contain a string', value: [Uint8Array.of(0, 98, 0), 'b'], error: 'TypeError', shown: /0 98 0.*b|b.*0 98 0/ },
  { name: 'a delimiter that begins with another', value: ['\r\n', '\r'], error: 'TypeError', shown: /\\r\\n/ },
  { name: 'a delimiter that contains another at its front and end', value: ['a', 'aba'], error: 'TypeError', shown: /aba/ },
  { name: 'a negative count', value: -1, error: 'RangeError', shown: /-1/ },
  { name: 'a fraction', value: 1.5, error: 'RangeError', shown: /1\.5/ },
  { name: 'NaN', value: NaN, error: 'RangeError', shown: /NaN/ },
  { name: 'Infinity', value: Infinity, error: 'RangeError', shown: /Infinity/ },
  { name: '-Infinity', value: -Infinity, error: 'RangeError', shown: /-Infinity/ },
  { name: 'an unsafe integer', value: 2 ** 53, error: 'RangeError', shown: /9007199254740992|9_007_199_254_740_992/ },
  { name: 'true', value: true, error: 'TypeError', shown: /true/ },
  { name: 'false', value: false, error: 'TypeError', shown: /false/ },
  { name: 'a bigint', value: 5n, error: 'TypeError', shown: /5n/ },
  { name: 'undefined', value: undefined, error: 'TypeError', shown: /undefined/ },
  { name: 'a symbol', value: Symbol('end'), error: 'TypeError', shown: /Symbol\(end\)/ },
  { name: 'a function', value: function until() {}, error: 'TypeError', shown: /function|until/ },
  { name: 'a regular expression', value: /\n/, error: 'TypeError', shown: /RegExp|\/\\n\// },
  { name: 'an object without until', value: { maxFrameLength: 5 }, error: 'TypeError', shown: /Object|undefined/ },
  { name: 'an object without a prototype', value: Object.create(null), error: 'TypeError', shown: /Object|undefined/ },
  { name: 'an ArrayBuffer', value: new ArrayBuffer(1), error: 'TypeError', shown: /ArrayBuffer/ },
  { name: 'other typed arrays', value: new Uint16Array(1), error: 'TypeError', shown: /Uint16Array/ },
]

function checkBad(t: Tap, bad: BadValue, label: string, named: RegExp, action: () => unknown): void {
  const error = thrownBy(action) as { message?: string; code?: string } | undefined
  t.ok(error instanceof (bad.error === 'TypeError' ? TypeError : RangeError), `${label}: a ${bad.error}`)
  t.equal(error?.code, CODES[bad.error], `${label}: its code`)
  t.match(error?.message ?? '', bad.shown, `${label}: its message shows the value`)
  t.match(error?.message ?? '', named, `${label}: its message names the argument`)
}

t.test('FrameScanner: a terminator that is none is refused by the call that sets it', async (t) => {
  for (const bad of badTerminators) {
    const scanner = new FrameScanner({ terminator: '\n' })
    checkBad(t, bad, `${bad.name}, set`, /terminator|delimiter/, () => scanner.setTerminator(asTerminator(bad.value)))
    scanner.write(bytesOf('a\nb'))
    t.equal(latin1(scanner.read() as Uint8Array), 'a', `${bad.name}: the terminator before it stays`)
    checkBad(t, bad, `${bad.name}, in a rule`, /terminator|delimiter|until/, () => scanner.setTerminator(asTerminator({ until: bad.value })))
    if (bad.value !== undefined) {
      checkBad(t, bad, `${bad.name}, constructed`, /terminator|delimiter/, () => newScanner({ terminator: bad.value }))
    }
  }
})

t.test('FrameScanner: a rule inside a rule is refused', async (t) => {
  const scanner = new FrameScanner()
  checkBad(t, { name: '', value: null, error: 'TypeError', shown: /Object/ }, 'nested', /until|terminator/, () => scanner.setTerminator(asTerminator({ until: { until: '\n' } })))
})

t.test('FrameScanner: delimiters that end together, or only share letters, are a set', async (t) => {
  for (const set of [['\n', '\r\n'], ['b', 'ab', 'aab'], ['abc', 'bcd'], ['aa', 'ab'], ['abab', 'bab']]) {
    t.equal(thrownBy(() => new FrameScanner({ terminator: set })), undefined, JSON.stringify(set))
  }
})

const badLimits: readonly BadValue[] = [
  { name: '0', value: 0, error: 'RangeError', shown: /0/ },
  { name: 'negative', value: -5, error: 'RangeError', shown: /-5/ },
  { name: 'a fraction', value: 1.5, error: 'RangeError', shown: /1\.5/ },
  { name: 'NaN', value: NaN, error: 'RangeError', shown: /NaN/ },
  { name: '-Infinity', value: -Infinity, error: 'RangeError', shown: /-Infinity/ },
  { name: 'a string', value: '5', error: 'TypeError', shown: /"5"|'5'/ },
  { name: 'null', value: null, error: 'TypeError', shown: /null/ },
  { name: 'a bigint', value: 5n, error: 'TypeError', shown: /5n/ },
  { name: 'a boolean', value: true, error: 'TypeError', shown: /true/ },
]

t.test('FrameScanner: a limit is a positive integer or Infinity', async (t) => {
  for (const bad of badLimits) {
    checkBad(t, bad, bad.name, /maxFrameLength/, () => newScanner({ maxFrameLength: bad.value }))
    checkBad(t, bad, `${bad.name}, in a rule`, /maxFrameLength/, () => newScanner({ terminator: { until: '\n', maxFrameLength: bad.value } }))
  }
  for (const maxFrameLength of [1, 2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER, Infinity]) {
    t.equal(thrownBy(() => new FrameScanner({ maxFrameLength })), undefined, String(maxFrameLength))
    t.equal(thrownBy(() => new FrameScanner({ terminator: { until: '\n', maxFrameLength } })), undefined, `${maxFrameLength} in a rule`)
  }
})

t.test('FrameScanner: the limit is 1 MiB where none is given', async (t) => {
  const scanner = new FrameScanner({ terminator: '\n' })
  scanner.write(new Uint8Array(1024 * 1024))
  t.equal(scanner.read(), null)
  scanner.write(new Uint8Array(1))
  t.match(thrownBy(() => scanner.read()), { code: 'ERR_FRAME_TOO_LONG', limit: 1024 * 1024, length: 1024 * 1024 + 1 })
})

t.test('FrameScanner: options that are none are refused', async (t) => {
  const bad: readonly (readonly [string, unknown])[] = [
    ['overflow', 'drop'],
    ['overflow', null],
    ['overflow', 1],
    ['tail', 'discard'],
    ['tail', null],
    ['tail', true],
    ['rearmCount', 'no'],
    ['rearmCount', 0],
    ['keepTerminator', 'yes'],
    ['keepTerminator', 1],
    ['onOverflow', 'f'],
  ]
  for (const [name, value] of bad) {
    const error = thrownBy(() => newScanner({ [name]: value })) as (Error & { code?: string }) | undefined
    t.ok(error instanceof TypeError || error instanceof RangeError, `${name}: ${String(value)}`)
    t.equal(error?.code, error instanceof TypeError ? 'ERR_INVALID_ARG_TYPE' : 'ERR_OUT_OF_RANGE', `${name}: its code`)
    t.match(error?.message ?? '', name, `${name}: named`)
    t.match(error?.message ?? '', String(value), `${name}: shown`)
  }
  t.match(thrownBy(() => newScanner({ terminator: { until: '\n', overflow: 'drop' } })), { message: /overflow.*drop/s }, 'overflow of a rule')
  const rules: readonly (readonly [object, RegExp, ErrorConstructor])[] = [
    [{ frameTimeout: -1 }, /frameTimeout.*-1/s, RangeError],
    [{ frameTimeout: NaN }, /frameTimeout.*NaN/s, RangeError],
    [{ frameTimeout: '5' }, /frameTimeout.*5/s, TypeError],
    [{ pieces: 1 }, /pieces.*1/s, TypeError],
  ]
  for (const [rule, message, errorClass] of rules) {
    const error = thrownBy(() => newScanner({ terminator: { until: '\n', ...rule } }))
    t.ok(error instanceof errorClass, JSON.stringify(rule))
    t.match(error, { message })
  }
  for (const value of [null, 5, 'options', true]) {
    t.match(thrownBy(() => newScanner(value)), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: /options/ }, String(value))
  }
  for (const value of [undefined, {}]) t.equal(thrownBy(() => newScanner(value)), undefined)
})

t.test('FrameScanner: an option given as undefined is not given', async (t) => {
  const scanner = newScanner({ terminator: undefined, maxFrameLength: undefined, overflow: undefined, tail: undefined, rearmCount: undefined, keepTerminator: undefined, onOverflow: undefined })
  t.equal(scanner.getTerminator(), null)
  scanner.setTerminator(1)
  scanner.write(bytesOf('ab'))
  t.same([scanner.read(), scanner.read()].map((frame) => latin1(frame as Uint8Array)), ['a', 'b'])
})

t.test('FrameScanner: takes only bytes', async (t) => {
  const values = ['text', 5, null, undefined, true, [1, 2], {}, new ArrayBuffer(2), new DataView(new ArrayBuffer(2)), new Uint16Array(2), new Uint8ClampedArray(2)]
  for (const value of values) {
    const scanner = new FrameScanner({ terminator: '\n' })
    for (const method of ['write', 'pushBack'] as const) {
      const error = thrownBy(() => scanner[method](value as Uint8Array)) as { message?: string; code?: string } | undefined
      t.ok(error instanceof TypeError, `${method}(${Object.prototype.toString.call(value)})`)
      t.equal(error?.code, 'ERR_INVALID_ARG_TYPE')
      t.match(error?.message ?? '', method === 'write' ? /chunk/ : /bytes|chunk/)
    }
    scanner.write(bytesOf('a\n'))
    t.equal(latin1(scanner.read() as Uint8Array), 'a', 'it goes on as if nothing had been written')
  }
})

t.test('FrameScanner: an empty chunk is nothing', async (t) => {
  for (const terminator of ['\r\n', 2, null, ['\n', '\0']] as const) {
    const scanner = new FrameScanner({ terminator })
    scanner.write(new Uint8Array(0))
    t.equal(scanner.read(), null)
    t.equal(scanner.bufferedLength, 0)
    scanner.write(bytesOf('a\r'))
    scanner.write(new Uint8Array(0))
    scanner.write(bytesOf('\nb'))
    const frames = [scanner.read(), scanner.read(), scanner.read(), scanner.read()].filter((frame) => frame !== null)
    t.ok(frames.length > 0)
    t.notOk(frames.some((frame) => frame.length === 0))
  }
})

t.test('FrameScanner: the same chunk may be written again', async (t) => {
  const chunk = bytesOf('a;b,,c')
  for (const terminator of [';', ',,', [';', ',,'], [',', ';']] as const) {
    const script = [terminator]
    const model = runModel(latin1(chunk).repeat(3), script, {}, { ended: false })
    const wanted = model.frames.map(({ data, offset }) => `${data}@${offset}`)
    const scanner = new FrameScanner({ terminator })
    const frames: string[] = []
    for (let count = 0; count < 3; count += 1) {
      scanner.write(chunk)
      for (let frame = scanner.read(); frame !== null; frame = scanner.read()) frames.push(`${latin1(frame)}@${scanner.offset}`)
    }
    t.same(frames, wanted, JSON.stringify(terminator))
    t.equal(latin1(scanner.takeUnread()), model.unread)
    scanner.pushBack(chunk)
    t.not(scanner.read(), null, 'and pushed back')
  }
})

t.test('FrameScanner: takes nothing after the end', async (t) => {
  const scanner = new FrameScanner({ terminator: '\n' })
  scanner.write(bytesOf('a\nb'))
  scanner.end()
  const error = thrownBy(() => scanner.write(bytesOf('c'))) as Error & { code?: string }
  t.type(error, Error)
  t.notOk(error instanceof FramingError)
  t.equal(error.code, 'ERR_INVALID_STATE')
  t.equal(latin1(scanner.read() as Uint8Array), 'a', 'what was there before is read')
  t.equal(latin1(scanner.read() as Uint8Array), 'b')
  t.equal(scanner.ending, 'eof')
  t.equal(scanner.read(), null)
  t.equal(scanner.read(), null)
})

t.test('FrameScanner: an end without input is an end', async (t) => {
  for (const terminator of ['\n', 5, null, ['a', 'b']] as const) {
    for (const tail of ['emit', 'error', 'drop'] as const) {
      const scanner = new FrameScanner({ terminator, tail })
      scanner.end()
      t.equal(scanner.read(), null, `${JSON.stringify(terminator)} ${tail}`)
    }
  }
})

t.test('FrameScanner: says how the frame just read ended', async (t) => {
  const scanner = new FrameScanner({ terminator: ['\n', ';'] })
  t.equal(scanner.ending, null, 'nothing was read')
  scanner.write(bytesOf('a;bcdef\ng'))
  scanner.read()
  t.same([scanner.ending, scanner.offset, scanner.matched], ['terminator', 0, 1])
  scanner.setTerminator(3)
  scanner.read()
  t.same([scanner.ending, scanner.offset], ['count', 2])
  scanner.setTerminator({ until: '\n', maxFrameLength: 1, overflow: 'truncate' })
  scanner.read()
  t.same([scanner.ending, scanner.offset, scanner.matched], ['truncated', 5, 0])
  scanner.setTerminator(null)
  scanner.read()
  t.same([scanner.ending, scanner.offset], ['piece', 8])
  t.equal(scanner.read(), null)
  t.equal(scanner.ending, null, 'no frame, no ending')
})

t.test('FrameScanner: says the terminator in force', async (t) => {
  const rule: FrameRule = { until: '\n', maxFrameLength: 5 }
  const delimiters = ['\r\n', '\0']
  const scanner = new FrameScanner()
  t.equal(scanner.getTerminator(), null)
  for (const terminator of ['\n', 7, 0, null]) {
    scanner.setTerminator(terminator)
    t.equal(scanner.getTerminator(), terminator)
  }
  scanner.setTerminator(Uint8Array.of(1, 2))
  t.same(Uint8Array.from(scanner.getTerminator() as Uint8Array), Uint8Array.of(1, 2))
  scanner.setTerminator(delimiters)
  t.same(scanner.getTerminator(), delimiters)
  scanner.setTerminator(rule)
  t.same(scanner.getTerminator(), rule)
})

t.test('FrameScanner: a running count says how many bytes are missing', async (t) => {
  const whole = new FrameScanner({ terminator: 5 })
  whole.write(bytesOf('abc'))
  t.equal(whole.read(), null)
  t.equal(whole.getTerminator(), 2)
  whole.write(bytesOf('de'))
  t.equal(latin1(whole.read() as Uint8Array), 'abcde')
  t.equal(whole.getTerminator(), 5, 'set again')

  const pieces = new FrameScanner({ terminator: 5, rearmCount: false })
  pieces.write(bytesOf('abc'))
  t.equal(latin1(pieces.readPiece() as Uint8Array), 'abc')
  t.equal(pieces.getTerminator(), 2)
  pieces.write(bytesOf('d'))
  pieces.readPiece()
  t.equal(pieces.getTerminator(), 1)
  pieces.write(bytesOf('e'))
  pieces.readPiece()
  t.equal(pieces.getTerminator(), null, 'not set again')

  const zero = new FrameScanner({ terminator: 0 })
  zero.read()
  t.equal(zero.getTerminator(), null)
})

t.test('FrameScanner: keeps a copy of a delimiter', async (t) => {
  const delimiter = Uint8Array.of(13, 10)
  const set = [Uint8Array.of(59), Uint8Array.of(44)]
  const single = new FrameScanner({ terminator: delimiter })
  const several = new FrameScanner({ terminator: set })
  const rule = new FrameScanner()
  rule.setTerminator({ until: delimiter })
  delimiter.fill(97)
  for (const member of set) member.fill(97)
  for (const scanner of [single, rule]) {
    scanner.write(bytesOf('aa\r\nb'))
    t.equal(latin1(scanner.read() as Uint8Array), 'aa')
  }
  several.write(bytesOf('aa,b;'))
  t.equal(latin1(several.read() as Uint8Array), 'aa')
})

t.test('FrameScanner: any number of different terminators may be set', async (t) => {
  const scanner = new FrameScanner()
  for (let round = 0; round < 2; round += 1) {
    for (let index = 0; index < 200; index += 1) {
      const terminator = `<${index}>`
      scanner.setTerminator(terminator)
      scanner.write(bytesOf(`${index}${terminator}`))
      if (latin1(scanner.read() as Uint8Array) !== String(index)) t.fail(terminator)
    }
  }
  const long = 'ab'.repeat(5000) + 'c'
  scanner.setTerminator(long)
  scanner.write(bytesOf(`abab${long}x`))
  t.equal(latin1(scanner.read() as Uint8Array), 'abab', 'a long one too')
})

t.test('FrameScanner: an array changed after it was set is another terminator when it is set again', async (t) => {
  const set = [';', ',']
  const scanner = new FrameScanner({ terminator: set })
  scanner.write(bytesOf('a,b;c|d'))
  t.equal(latin1(scanner.read() as Uint8Array), 'a')
  set[1] = '|'
  t.equal(latin1(scanner.read() as Uint8Array), 'b')
  scanner.setTerminator(set)
  t.equal(latin1(scanner.read() as Uint8Array), 'c')
  t.equal(scanner.matched, 1)
})

t.test('FrameScanner: rules may be used again, and a terminator set again after its buffer changed is the new one', async (t) => {
  const rule: FrameRule = { until: '\n', maxFrameLength: 3 }
  const scanner = new FrameScanner({ terminator: rule })
  scanner.write(bytesOf('a\nbcd\nefgh\n'))
  t.equal(latin1(scanner.read() as Uint8Array), 'a')
  scanner.setTerminator(rule)
  t.equal(latin1(scanner.read() as Uint8Array), 'bcd')
  scanner.setTerminator(rule)
  t.match(thrownBy(() => scanner.read()), { code: 'ERR_FRAME_TOO_LONG', limit: 3 })

  const delimiter = Uint8Array.of(59)
  const changing = new FrameScanner({ terminator: delimiter })
  changing.write(bytesOf('a;b,c'))
  t.equal(latin1(changing.read() as Uint8Array), 'a')
  delimiter[0] = 44
  changing.setTerminator(delimiter)
  t.equal(latin1(changing.read() as Uint8Array), 'b')
})

t.test('FrameScanner: a terminator set while a delimiter prefix is held rules those bytes too', async (t) => {
  // After 'ab\r' under CRLF: what the first frame is when '\n' follows; in pieces, what comes of the held '\r' at once.
  const cases: readonly (readonly [Terminator, whole: string, piece: string | null])[] = [
    ['\n', 'ab\r', '\r'],
    ['\r', 'ab', ''],
    ['\r\r', 'ab\r\n', null],
    [1, 'a', '\r'],
    [3, 'ab\r', '\r'],
    [['b', '\n'], 'a', '\r'],
    [null, 'ab\r\n', '\r'],
  ]
  for (const [terminator, whole, piece] of cases) {
    const label = JSON.stringify(terminator)
    const scanner = new FrameScanner({ terminator: '\r\n' })
    scanner.write(bytesOf('ab\r'))
    t.equal(scanner.read(), null)
    scanner.setTerminator(terminator)
    scanner.write(bytesOf('\n'))
    scanner.end()
    let data = latin1(scanner.read() as Uint8Array)
    t.equal(scanner.offset, 0)
    if (terminator === null) data += latin1(scanner.read() ?? new Uint8Array(0))
    t.equal(data, whole, `${label}, whole`)

    const pieces = new FrameScanner({ terminator: '\r\n' })
    pieces.write(bytesOf('ab\r'))
    t.equal(latin1(pieces.readPiece() as Uint8Array), 'ab', 'in pieces only the prefix is held')
    t.equal(pieces.readPiece(), null)
    pieces.setTerminator(terminator)
    const next = pieces.readPiece()
    t.equal(next === null ? null : latin1(next), piece, `${label}, in pieces`)
  }
})

t.test('FrameScanner: the same terminator set again changes nothing', async (t) => {
  for (const terminator of ['\r\n', ['\r\n', '\0'], Uint8Array.of(13, 10), { until: '\r\n' }] as const) {
    const scanner = new FrameScanner({ terminator })
    const written = 'ab\r\ncdefgh\r\n'
    let looked = 0
    const frames: string[] = []
    for (const chunk of byteByByte(bytesOf(written))) {
      scanner.write(chunk)
      for (let frame = scanner.read(); frame !== null; frame = scanner.read()) frames.push(latin1(frame))
      looked = scanner.bytesLookedAt
      scanner.setTerminator(typeof terminator === 'object' && !(terminator instanceof Uint8Array) && 'length' in terminator ? [...terminator] : terminator)
      t.equal(scanner.read(), null)
      t.equal(scanner.bytesLookedAt, looked, 'nothing is looked at again')
    }
    t.same(frames, ['ab', 'cdefgh'], JSON.stringify(terminator))
  }
})

t.test('FrameScanner: any terminator set drops a running count', async (t) => {
  for (const [terminator, wanted] of [[5, 'fghij'], ['h', 'fg'], [2, 'fg'], [null, 'fghij']] as const) {
    const scanner = new FrameScanner({ terminator: 10 })
    scanner.write(bytesOf('abcde'))
    t.equal(latin1(scanner.readPiece() as Uint8Array), 'abcde')
    scanner.setTerminator(terminator)
    scanner.write(bytesOf('fghij'))
    t.equal(latin1(scanner.readPiece() as Uint8Array), wanted, `${terminator}, in pieces`)

    const whole = new FrameScanner({ terminator: 10 })
    whole.write(bytesOf('abcde'))
    t.equal(whole.read(), null)
    whole.setTerminator(terminator)
    whole.write(bytesOf('fghij'))
    const frame = { '5': 'abcde', 'h': 'abcdefg', '2': 'ab', null: 'abcde' }[String(terminator)] as string
    t.ok(latin1(whole.read() as Uint8Array).startsWith(frame), `${terminator}, whole`)
  }
})

/** A scanner with a discard under way: 'abcdefgh' and, held, the '\r' of a CRLF. */
function discarding(t: Tap): { scanner: FrameScanner; discarded: number[] } {
  const discarded: number[] = []
  const scanner = new FrameScanner({ terminator: '\r\n', maxFrameLength: 3, overflow: 'discard', onOverflow: (length) => discarded.push(length) })
  scanner.write(bytesOf('abcdefgh\r'))
  t.equal(scanner.read(), null)
  t.same(discarded, [], 'a discard is told of when it ends')
  return { scanner, discarded }
}

t.test('FrameScanner: a delimiter set during a discard goes on with the discard', async (t) => {
  for (const terminator of ['\n', ['\n', ';'], { until: '\n', maxFrameLength: 5 }] as const) {
    const { scanner, discarded } = discarding(t)
    scanner.setTerminator(terminator)
    scanner.write(bytesOf('xy'))
    t.equal(scanner.read(), null)
    t.same(discarded, [])
    scanner.write(bytesOf('z\nok\n'))
    t.equal(latin1(scanner.read() as Uint8Array), 'ok', JSON.stringify(terminator))
    t.equal(scanner.offset, 13)
    t.same(discarded, [12])
  }
})

t.test('FrameScanner: a delimiter set during a discard may begin in what is held', async (t) => {
  const { scanner, discarded } = discarding(t)
  scanner.setTerminator('\r;')
  scanner.write(bytesOf(';ok\r;'))
  t.equal(latin1(scanner.read() as Uint8Array), 'ok')
  t.same(discarded, [8])
})

t.test('FrameScanner: a count or null set during a discard ends it at the first byte not looked at', async (t) => {
  for (const [terminator, wanted] of [[2, 'xy'], [null, 'xyz']] as const) {
    const { scanner, discarded } = discarding(t)
    scanner.setTerminator(terminator)
    scanner.write(bytesOf('xyz'))
    t.equal(latin1(scanner.read() as Uint8Array), wanted)
    t.equal(scanner.offset, 9)
    t.same(discarded, [9], 'the discard has ended')
  }
})

t.test('FrameScanner: 0 set during a discard ends it with an empty frame', async (t) => {
  const { scanner, discarded } = discarding(t)
  scanner.setTerminator(0)
  t.equal(latin1(scanner.read() as Uint8Array), '')
  t.equal(scanner.ending, 'count')
  t.same(discarded, [9])
  scanner.write(bytesOf('xyz'))
  t.equal(latin1(scanner.read() as Uint8Array), 'xyz')
})

t.test('FrameScanner: a terminator set during a counted discard', async (t) => {
  const start = (): { scanner: FrameScanner; discarded: number[] } => {
    const discarded: number[] = []
    const scanner = new FrameScanner({ terminator: 10, maxFrameLength: 3, overflow: 'discard', onOverflow: (length) => discarded.push(length) })
    scanner.write(bytesOf('abcde'))
    t.equal(scanner.read(), null)
    t.same(discarded, [])
    return { scanner, discarded }
  }
  const counted = start()
  counted.scanner.setTerminator(2)
  counted.scanner.write(bytesOf('xyz\nok\n'))
  t.equal(latin1(counted.scanner.read() as Uint8Array), 'xy')
  t.same(counted.discarded, [5])
  const delimited = start()
  delimited.scanner.setTerminator('\n')
  delimited.scanner.write(bytesOf('xyz\nok\n'))
  t.equal(latin1(delimited.scanner.read() as Uint8Array), 'ok')
  t.same(delimited.discarded, [8])
})

t.test('FrameScanner: a discard is told of once, and not at all where there is none', async (t) => {
  const discarded: number[] = []
  const scanner = new FrameScanner({ terminator: '\n', maxFrameLength: 2, overflow: 'discard', onOverflow: (length) => discarded.push(length) })
  for (const chunk of byteByByte(bytesOf('abcdef'))) {
    scanner.write(chunk)
    t.equal(scanner.read(), null)
    t.same(discarded, [])
  }
  scanner.end()
  for (let count = 0; count < 3; count += 1) t.equal(scanner.read(), null)
  t.same(discarded, [6])
  const silent = new FrameScanner({ terminator: '\n', maxFrameLength: 2, overflow: 'discard' })
  silent.write(bytesOf('abcdef\ng\n'))
  t.equal(latin1(silent.read() as Uint8Array), 'g', 'without onOverflow')
})

t.test('FrameScanner: a terminator set when a discard is told of rules the byte after it', async (t) => {
  for (const chunks of everyCut(bytesOf('abcd\nxyz;e\n'))) {
    const scanner = new FrameScanner({ terminator: '\n', maxFrameLength: 3, overflow: 'discard', onOverflow: () => scanner.setTerminator(';') })
    const frames: string[] = []
    for (const chunk of chunks) {
      scanner.write(chunk)
      for (let frame = scanner.read(); frame !== null; frame = scanner.read()) frames.push(latin1(frame))
    }
    if (frames.join() !== 'xyz') t.fail(`${JSON.stringify(frames)} at ${JSON.stringify(chunks.map(latin1))}`)
  }
  t.pass('at every cut')
})

t.test('FrameScanner: takeUnread ends a discard, and gives what was not thrown away', async (t) => {
  const { scanner, discarded } = discarding(t)
  t.equal(latin1(scanner.takeUnread()), '\r', 'the held prefix')
  scanner.write(bytesOf('\nok\r\n'))
  t.equal(latin1(scanner.read() as Uint8Array), '\nok', 'a new frame')
  t.equal(scanner.offset, 9)
  t.same(discarded, [8])

  const later = discarding(t)
  later.scanner.write(bytesOf('ij'))
  t.equal(later.scanner.read(), null)
  later.scanner.write(bytesOf('k\r'))
  t.equal(later.scanner.read(), null)
  t.equal(later.scanner.bufferedLength, 1)
  t.equal(latin1(later.scanner.takeUnread()), '\r')
  t.equal(later.scanner.read(), null)
  t.same(later.discarded, [12])

  const truncating = new FrameScanner({ terminator: '\r\n', maxFrameLength: 3, overflow: 'truncate' })
  truncating.write(bytesOf('abcdefgh\r'))
  t.equal(truncating.read(), null)
  const taken = latin1(truncating.takeUnread())
  t.ok(taken.startsWith('abc'), 'the bytes that were to be delivered')
  truncating.write(bytesOf('\nok\r\n'))
  t.equal(latin1(truncating.read() as Uint8Array), '\nok')
})

t.test('FrameScanner: a terminator set while a frame is truncated', async (t) => {
  const start = (): FrameScanner => {
    const scanner = new FrameScanner({ terminator: '\r\n', maxFrameLength: 3, overflow: 'truncate' })
    scanner.write(bytesOf('abcdefgh\r'))
    t.equal(scanner.read(), null)
    return scanner
  }
  const delimited = start()
  delimited.setTerminator('\n')
  delimited.write(bytesOf('x\nok\n'))
  t.equal(latin1(delimited.read() as Uint8Array), 'abc')
  t.same([delimited.ending, delimited.offset], ['truncated', 0])
  t.equal(latin1(delimited.read() as Uint8Array), 'ok')
  const counted = start()
  counted.setTerminator(2)
  counted.write(bytesOf('xyz'))
  t.equal(latin1(counted.read() as Uint8Array), 'abc')
  t.equal(counted.ending, 'truncated')
  t.equal(latin1(counted.read() as Uint8Array), 'xy')
})

t.test('FrameScanner: an over-long frame holds no more than its limit, however long it is', async (t) => {
  for (const overflow of ['error', 'discard', 'truncate'] as const) {
    const scanner = new FrameScanner({ terminator: '\r\n\r\n', maxFrameLength: 10, overflow })
    let largest = 0
    for (let count = 0; count < 200; count += 1) {
      if (overflow === 'error' && scanner.bufferedLength > 13) break
      scanner.write(bytesOf('x\r'))
      thrownBy(() => scanner.read())
      largest = Math.max(largest, scanner.bufferedLength)
    }
    t.ok(largest <= 10 + 3 + 2, `${overflow}: ${largest}`)
  }
})

t.test('FrameScanner: a count is not allocated', async (t) => {
  const before = process.memoryUsage()
  for (const count of [2 ** 52, Number.MAX_SAFE_INTEGER, 2 ** 31, 2 ** 30]) {
    const scanner = new FrameScanner({ terminator: count, maxFrameLength: Infinity })
    scanner.write(bytesOf('abc'))
    t.equal(scanner.read(), null)
    t.equal(scanner.getTerminator(), count - 3)
    t.equal(latin1(scanner.takeUnread()), 'abc')
  }
  const after = process.memoryUsage()
  t.ok(after.arrayBuffers - before.arrayBuffers < 4 * 1024 * 1024)
})

t.test('FrameScanner: reading whole and in pieces do not mix inside a frame', async (t) => {
  const pieces = new FrameScanner({ terminator: '\n' })
  pieces.write(bytesOf('ab'))
  t.equal(latin1(pieces.readPiece() as Uint8Array), 'ab')
  const error = thrownBy(() => pieces.read()) as Error & { code?: string }
  t.type(error, Error)
  t.equal(error.code, 'ERR_INVALID_STATE')
  pieces.write(bytesOf('c\nd\ne'))
  t.equal(latin1(pieces.readPiece() as Uint8Array), 'c', 'the frame goes on')
  t.equal(pieces.ending, 'terminator')
  t.equal(latin1(pieces.read() as Uint8Array), 'd', 'between frames they may change')
  t.equal(latin1(pieces.readPiece() as Uint8Array), 'e')

  const counted = new FrameScanner({ terminator: 4 })
  counted.write(bytesOf('ab'))
  counted.readPiece()
  t.match(thrownBy(() => counted.read()), { code: 'ERR_INVALID_STATE' })
})

t.test('FrameScanner: pieces come as soon as they can be no delimiter', async (t) => {
  const scanner = new FrameScanner({ terminator: 'aab' })
  const steps: readonly (readonly [string, readonly (readonly [string, Ending | null])[], number])[] = [
    ['x', [['x', null]], 0],
    ['a', [], 1],
    ['a', [], 2],
    ['a', [['a', null]], 2],
    ['a', [['a', null]], 2],
    ['b', [['', 'terminator']], 0],
    ['yaab', [['y', 'terminator']], 0],
    ['aa', [], 2],
    ['c', [['aac', null]], 0],
  ]
  for (const [chunk, wanted, held] of steps) {
    scanner.write(bytesOf(chunk))
    const seen: [string, Ending | null][] = []
    for (let piece = scanner.readPiece(); piece !== null; piece = scanner.readPiece()) seen.push([latin1(piece), scanner.ending])
    const joined = seen.reduce<[string, Ending | null][]>((list, [data, ending]) => {
      const last = list.at(-1)
      if (last !== undefined && last[1] === null) list[list.length - 1] = [last[0] + data, ending]
      else list.push([data, ending])
      return list
    }, [])
    t.same(joined, wanted, `after ${chunk}`)
    t.equal(scanner.bufferedLength, held)
  }
  scanner.end()
  t.equal(latin1(scanner.readPiece() as Uint8Array), '')
  t.equal(scanner.ending, 'eof', 'a frame that goes on is ended by the end of input')
  t.equal(scanner.readPiece(), null)
})

t.test('FrameScanner: every piece has the offset of its frame', async (t) => {
  const scanner = new FrameScanner({ terminator: '\n', keepTerminator: true })
  const seen: [string, number, Ending | null][] = []
  for (const chunk of ['ab', 'c\nd', 'e', '\n', 'f']) {
    scanner.write(bytesOf(chunk))
    for (let piece = scanner.readPiece(); piece !== null; piece = scanner.readPiece()) seen.push([latin1(piece), scanner.offset, scanner.ending])
  }
  t.same(seen.map(([data]) => data).join(''), 'abc\nde\nf')
  for (const [data, offset] of seen) t.equal(offset, data.includes('f') ? 7 : 'abc\n'.includes(data) && seen.findIndex(([piece]) => piece === data) < 2 ? 0 : 4, data)
})

t.test('FrameScanner: in pieces, exactly the limit comes before the error', async (t) => {
  for (const chunks of everyCut(bytesOf('ab\nabcde\n'))) {
    const scanner = new FrameScanner({ terminator: '\n', maxFrameLength: 3 })
    let delivered = ''
    let error: unknown
    for (const chunk of chunks) {
      scanner.write(chunk)
      error ??= thrownBy(() => {
        for (let piece = scanner.readPiece(); piece !== null; piece = scanner.readPiece()) delivered += latin1(piece)
      })
    }
    const { code, length, offset, framesBefore } = error as FramingError
    const seen = JSON.stringify([delivered, code, length, offset, framesBefore, latin1(scanner.takeUnread())])
    const wanted = JSON.stringify(['ababc', 'ERR_FRAME_TOO_LONG', 4, 3, 1, 'de\n'])
    if (seen !== wanted) t.equal(seen, wanted, JSON.stringify(chunks.map(latin1)))
  }
  t.pass('at every cut')
})

t.test('FrameScanner: in pieces, a count is its own limit', async (t) => {
  const scanner = new FrameScanner({ terminator: 6, maxFrameLength: 3 })
  scanner.write(bytesOf('abcdefgh'))
  let frame = ''
  do frame += latin1(scanner.readPiece() as Uint8Array)
  while (scanner.ending === null)
  t.equal(frame, 'abcdef')
  t.equal(scanner.ending, 'count')
})

t.test('FrameScanner: pieces cannot be discarded', async (t) => {
  const scanner = new FrameScanner({ terminator: '\n', overflow: 'discard' })
  scanner.write(bytesOf('a\n'))
  const error = thrownBy(() => scanner.readPiece()) as Error & { code?: string }
  t.ok(error instanceof TypeError)
  t.equal(error.code, 'ERR_INVALID_ARG_TYPE')
  t.equal(latin1(scanner.read() as Uint8Array), 'a', 'whole frames can')
  scanner.setTerminator({ until: '\n', overflow: 'error' })
  scanner.write(bytesOf('b\n'))
  t.equal(latin1(scanner.readPiece() as Uint8Array), 'b', 'the rule of the frame decides')
  t.ok(thrownBy(() => newScanner({ terminator: { until: '\n', overflow: 'discard', pieces: true } })) instanceof TypeError, 'in one rule')
})

t.test('FrameScanner: an error stays until a terminator is set', async (t) => {
  const scanner = new FrameScanner({ terminator: '\n', maxFrameLength: 2 })
  scanner.write(bytesOf('a\nabcdef\nb\n'))
  t.equal(latin1(scanner.read() as Uint8Array), 'a', 'frames before it are delivered')
  const error = thrownBy(() => scanner.read()) as FramingError
  t.ok(error instanceof FramingError)
  t.equal(error.name, 'FramingError')
  t.match(error, { code: 'ERR_FRAME_TOO_LONG', limit: 2, length: 3, offset: 2, framesBefore: 1 })
  t.equal(thrownBy(() => scanner.read()), error, 'the same error')
  scanner.write(bytesOf('c\n'))
  t.equal(thrownBy(() => scanner.read()), error, 'also after more input')
  scanner.setTerminator({ until: '\n', maxFrameLength: 6 })
  t.equal(latin1(scanner.read() as Uint8Array), 'abcdef', 'the frame is looked at again')
  t.equal(scanner.offset, 2)
  scanner.setTerminator('\n')
  t.equal(latin1(scanner.read() as Uint8Array), 'b')
  t.equal(latin1(scanner.read() as Uint8Array), 'c')
})

t.test('FrameScanner: an equal terminator clears an error too, and earns it again', async (t) => {
  const scanner = new FrameScanner({ terminator: '\n', maxFrameLength: 2 })
  scanner.write(bytesOf('abcdef\nb\n'))
  const error = thrownBy(() => scanner.read())
  scanner.setTerminator('\n')
  const again = thrownBy(() => scanner.read()) as FramingError
  t.ok(again instanceof FramingError)
  t.not(again, error)
  t.match(again, { code: 'ERR_FRAME_TOO_LONG', offset: 0, framesBefore: 0 })
})

t.test('FrameScanner: an error that was cleared does not come again', async (t) => {
  for (const overflow of ['discard', 'truncate'] as const) {
    const scanner = new FrameScanner({ terminator: '\n', maxFrameLength: 2 })
    scanner.write(bytesOf('abcdef'))
    t.match(thrownBy(() => scanner.read()), { code: 'ERR_FRAME_TOO_LONG' })
    scanner.setTerminator({ until: '\n', overflow })
    t.equal(scanner.read(), null)
    scanner.write(bytesOf('gh'))
    t.equal(scanner.read(), null)
    scanner.write(bytesOf('i\nok\n'))
    if (overflow === 'truncate') t.equal(latin1(scanner.read() as Uint8Array), 'ab')
    t.equal(latin1(scanner.read() as Uint8Array), 'ok')
  }
})

t.test('FrameScanner: after an error, takeUnread gives the bytes from the over-long frame on', async (t) => {
  const scanner = new FrameScanner({ terminator: '\n', maxFrameLength: 2 })
  scanner.write(bytesOf('a\nabcd'))
  scanner.read()
  const error = thrownBy(() => scanner.read())
  scanner.write(bytesOf('e\nb\n'))
  t.equal(latin1(scanner.takeUnread()), 'abcde\nb\n')
  t.equal(scanner.bufferedLength, 0)
  t.equal(thrownBy(() => scanner.read()), error, 'it is still an error')
  scanner.setTerminator('\n')
  scanner.write(bytesOf('x\n'))
  t.equal(latin1(scanner.read() as Uint8Array), 'x')
  t.equal(scanner.offset, 10)
})

t.test('FrameScanner: a count above the limit is accepted, and fails when it is read', async (t) => {
  const scanner = new FrameScanner({ maxFrameLength: 3 })
  scanner.setTerminator(4)
  t.equal(scanner.getTerminator(), 4)
  t.match(thrownBy(() => scanner.read()), { code: 'ERR_FRAME_TOO_LONG', limit: 3, length: 4, offset: 0, framesBefore: 0 })
  scanner.setTerminator(3)
  scanner.write(bytesOf('abc'))
  t.equal(latin1(scanner.read() as Uint8Array), 'abc')
})

t.test('FrameScanner: a cut count carries its bytes', async (t) => {
  const scanner = new FrameScanner({ terminator: 5 })
  scanner.write(bytesOf('abcdefgh'))
  scanner.end()
  t.equal(latin1(scanner.read() as Uint8Array), 'abcde')
  const error = thrownBy(() => scanner.read()) as FramingError
  t.match(error, { code: 'ERR_FRAME_INCOMPLETE', length: 3, offset: 5, framesBefore: 1 })
  t.equal(latin1(error.bytes as Uint8Array), 'fgh')
  t.equal(thrownBy(() => scanner.read()), error)
})

t.test('FrameScanner: empty frames for ever are no progress', async (t) => {
  for (const method of ['read', 'readPiece'] as const) {
    const scanner = new FrameScanner({ terminator: '\n' })
    scanner.write(bytesOf('a\nbc'))
    scanner.read()
    let frames = 0
    const error = thrownBy(() => {
      for (; frames < 1000; frames += 1) {
        scanner.setTerminator(0)
        if (latin1(scanner[method]() as Uint8Array) !== '') break
      }
    }) as FramingError
    t.ok(error instanceof FramingError)
    t.match(error, { code: 'ERR_NO_PROGRESS', offset: 2 })
    t.equal(frames, 100)
    scanner.setTerminator(2)
    t.equal(latin1(scanner[method]() as Uint8Array), 'bc', 'another terminator goes on')
  }
})

t.test('FrameScanner: 99 empty frames between bytes are progress', async (t) => {
  const scanner = new FrameScanner({ terminator: 1 })
  let empty = 0
  for (let round = 0; round < 5; round += 1) {
    scanner.write(bytesOf('x'))
    scanner.setTerminator(1)
    t.equal(latin1(scanner.read() as Uint8Array), 'x')
    for (let count = 0; count < 99; count += 1) {
      scanner.setTerminator(0)
      if (scanner.read()?.length === 0) empty += 1
    }
  }
  t.equal(empty, 5 * 99)
})

t.test('FrameScanner: empty delimited frames are progress', async (t) => {
  const scanner = new FrameScanner({ terminator: '\n' })
  scanner.write(new Uint8Array(1000).fill(10))
  let frames = 0
  while (scanner.read() !== null) frames += 1
  t.equal(frames, 1000)
})

t.test('FrameScanner: takeUnread gives everything, and leaves the terminator', async (t) => {
  const scanner = new FrameScanner({ terminator: '\r\n' })
  scanner.write(bytesOf('a\r\nbc\r'))
  scanner.read()
  t.equal(scanner.read(), null)
  t.equal(scanner.bufferedLength, 3)
  t.equal(latin1(scanner.takeUnread()), 'bc\r')
  t.equal(scanner.bufferedLength, 0)
  t.equal(scanner.takeUnread().length, 0)
  t.equal(scanner.getTerminator(), '\r\n')
  scanner.write(bytesOf('\nd\r\n'))
  t.equal(latin1(scanner.read() as Uint8Array), '\nd', 'a held prefix went with the rest')
  t.equal(scanner.offset, 6, 'the position in the stream stays')
})

t.test('FrameScanner: takeUnread starts a running count anew', async (t) => {
  const whole = new FrameScanner({ terminator: 4 })
  whole.write(bytesOf('abc'))
  t.equal(whole.read(), null)
  t.equal(latin1(whole.takeUnread()), 'abc')
  t.equal(whole.getTerminator(), 4)
  whole.write(bytesOf('defg'))
  t.equal(latin1(whole.read() as Uint8Array), 'defg')

  const pieces = new FrameScanner({ terminator: 4 })
  pieces.write(bytesOf('ab'))
  t.equal(latin1(pieces.readPiece() as Uint8Array), 'ab')
  pieces.write(bytesOf('c'))
  t.equal(latin1(pieces.takeUnread()), 'c')
  t.equal(pieces.getTerminator(), 4)
  pieces.write(bytesOf('defg'))
  t.equal(latin1(pieces.readPiece() as Uint8Array), 'defg')
  t.same([pieces.ending, pieces.offset], ['count', 3])
})

t.test('FrameScanner: takeUnread of several chunks is one, at the end too', async (t) => {
  const scanner = new FrameScanner({ terminator: '\n' })
  const large = Buffer.alloc(70_000, 'x')
  scanner.write(bytesOf('ab'))
  scanner.write(large)
  scanner.write(bytesOf('cd'))
  scanner.end()
  const unread = scanner.takeUnread()
  t.equal(latin1(unread), `ab${'x'.repeat(70_000)}cd`)
  t.equal(scanner.read(), null, 'nothing is left for a tail')
})

t.test('FrameScanner: bytes pushed back come before the unread ones', async (t) => {
  const scanner = new FrameScanner({ terminator: '\n' })
  scanner.write(bytesOf('abc\nd\ne'))
  t.equal(latin1(scanner.read() as Uint8Array), 'abc')
  scanner.pushBack(bytesOf('bc\n'))
  t.equal(scanner.bufferedLength, 6)
  t.equal(latin1(scanner.read() as Uint8Array), 'bc')
  t.equal(scanner.offset, 1, 'the offset goes back')
  t.equal(latin1(scanner.read() as Uint8Array), 'd')
  t.equal(scanner.offset, 4)
  scanner.end()
  scanner.pushBack(bytesOf('x\n'))
  t.equal(latin1(scanner.read() as Uint8Array), 'x', 'after the end too')
  t.equal(latin1(scanner.read() as Uint8Array), 'e')
})

t.test('FrameScanner: bytes pushed back join an unfinished frame', async (t) => {
  const scanner = new FrameScanner({ terminator: '\r\n' })
  scanner.write(bytesOf('ab\r\ncd\r'))
  scanner.read()
  t.equal(scanner.read(), null)
  scanner.pushBack(bytesOf('xy\r'))
  scanner.write(bytesOf('\n'))
  t.equal(latin1(scanner.read() as Uint8Array), 'xy\rcd')
  t.equal(scanner.offset, 1)

  const whole = new FrameScanner({ terminator: 'ab' })
  whole.write(bytesOf('xabb'))
  t.equal(latin1(whole.read() as Uint8Array), 'x')
  t.equal(whole.read(), null)
  whole.pushBack(bytesOf('a'))
  t.equal(latin1(whole.read() as Uint8Array), '', 'a delimiter may begin in them')
  t.equal(whole.offset, 2)

  const counted = new FrameScanner({ terminator: 4 })
  counted.write(bytesOf('abcdef'))
  t.equal(latin1(counted.read() as Uint8Array), 'abcd')
  counted.pushBack(bytesOf('cd'))
  t.equal(latin1(counted.read() as Uint8Array), 'cdef')
  t.equal(counted.offset, 2)
})

t.test('FrameScanner: bytes pushed back after the tail begin a frame of their own', async (t) => {
  // The tail ends in half a delimiter; what comes back must not complete it.
  const cases: readonly (readonly [FrameScannerOptions, 'read' | 'readPiece'])[] = [
    [{}, 'read'],
    [{}, 'readPiece'],
    [{ tail: 'drop' }, 'read'],
    [{ overflow: 'discard', maxFrameLength: 2 }, 'read'],
    [{ overflow: 'truncate', maxFrameLength: 2 }, 'read'],
    [{ overflow: 'truncate', maxFrameLength: 2 }, 'readPiece'],
  ]
  for (const [options, method] of cases) {
    for (const terminator of ['\r\n', ['\r\n', '\0']] as const) {
      const scanner = new FrameScanner({ terminator, ...options })
      scanner.write(bytesOf('abc\r'))
      scanner.end()
      while (scanner[method]() !== null);
      scanner.pushBack(bytesOf('\nd\r\ne'))
      const frames: string[] = []
      let frame = ''
      for (let data = scanner[method](); data !== null; data = scanner[method]()) {
        frame += latin1(data)
        if (scanner.ending === null) continue
        frames.push(frame)
        frame = ''
      }
      t.same(frames.slice(0, 1), ['\nd'], `${method} ${JSON.stringify(options)}`)
    }
  }
})

t.test('FrameScanner: bytes pushed back inside a frame read in pieces belong to it again', async (t) => {
  const scanner = new FrameScanner({ terminator: '\n', maxFrameLength: 4 })
  scanner.write(bytesOf('x\nabc'))
  scanner.readPiece()
  t.equal(latin1(scanner.readPiece() as Uint8Array), 'abc')
  t.equal(scanner.offset, 2)
  scanner.pushBack(bytesOf('bc'))
  t.equal(latin1(scanner.readPiece() as Uint8Array), 'bc')
  t.equal(scanner.offset, 2, 'the frame begins where it began')
  scanner.write(bytesOf('d\n'))
  t.equal(latin1(scanner.readPiece() as Uint8Array), 'd', 'and has four bytes, not six')
  t.equal(scanner.ending, 'terminator')
})

t.test('FrameScanner: what was taken can be pushed back', async (t) => {
  for (const chunks of everyCut(bytesOf('ab\r\ncd\r\nef\r'))) {
    const scanner = new FrameScanner({ terminator: '\r\n' })
    const frames: string[] = []
    for (const chunk of chunks) {
      scanner.write(chunk)
      for (let frame = scanner.read(); frame !== null; frame = scanner.read()) frames.push(`${latin1(frame)}@${scanner.offset}`)
      scanner.pushBack(scanner.takeUnread())
    }
    const seen = JSON.stringify([frames, latin1(scanner.takeUnread())])
    if (seen !== JSON.stringify([['ab@0', 'cd@4'], 'ef\r'])) t.fail(`${seen} at ${JSON.stringify(chunks.map(latin1))}`)
  }
  t.pass('at every cut')
})

t.test('FrameScanner: bytes pushed back are copied or kept, never changed', async (t) => {
  const scanner = new FrameScanner({ terminator: '\n' })
  const back = guarded(bytesOf('ab'))
  const around = latin1(new Uint8Array(back.buffer))
  scanner.pushBack(back)
  scanner.write(bytesOf('c\nd\n'))
  t.equal(latin1(scanner.read() as Uint8Array), 'abc')
  scanner.pushBack(new Uint8Array(0))
  t.equal(latin1(scanner.read() as Uint8Array), 'd')
  t.equal(latin1(new Uint8Array(back.buffer)), around)
})

function isPlain(bytes: Uint8Array | null): boolean {
  return bytes !== null && Object.getPrototypeOf(bytes) === Uint8Array.prototype
}

t.test('FrameScanner: gives the class it was given', async (t) => {
  for (const size of [1, 2, 5, 7, 40_000]) {
    for (const make of [(text: string) => Buffer.from(text), (text: string) => new Uint8Array(Buffer.from(text))]) {
      const isBuffer = Buffer.isBuffer(make(''))
      const wanted = (bytes: Uint8Array | null): boolean => (isBuffer ? Buffer.isBuffer(bytes) : isPlain(bytes))
      const text = `ab${'x'.repeat(20_000)}\r\n\r\ncdefg`
      const scanner = new FrameScanner({ terminator: '\r\n' })
      for (let at = 0; at < text.length; at += size) scanner.write(make(text.slice(at, at + size)))
      t.ok(wanted(scanner.read()), 'a frame')
      t.ok(wanted(scanner.read()), 'an empty frame')
      scanner.setTerminator(2)
      t.ok(wanted(scanner.read()), 'a count')
      t.ok(wanted(scanner.takeUnread()), 'what is unread')
      scanner.setTerminator(null)
      scanner.write(make('xyz'))
      t.ok(wanted(scanner.readPiece()), 'a piece')
      scanner.setTerminator(4)
      scanner.write(make('abc'))
      scanner.end()
      const error = thrownBy(() => scanner.read()) as FramingError
      t.ok(wanted(error.bytes ?? null), 'the bytes of a cut frame')
    }
  }
})

t.test('FrameScanner: gives a subclass of its own, and takes bytes of another realm', async (t) => {
  class Bytes extends Uint8Array {}
  class Plain extends Uint8Array {
    static get [Symbol.species](): Uint8ArrayConstructor {
      return Uint8Array
    }
  }
  for (const [Given, wanted] of [[Bytes, Bytes.prototype], [Plain, Uint8Array.prototype]] as const) {
    const scanner = new FrameScanner({ terminator: '\n' })
    scanner.write(new Given(bytesOf('a\nb')))
    scanner.write(new Given(bytesOf('c\nd')))
    for (const data of [scanner.read(), scanner.read(), scanner.takeUnread()]) t.equal(Object.getPrototypeOf(data), wanted)
  }
  const foreign = runInNewContext('new Uint8Array([97, 10, 98, 10])') as Uint8Array
  t.notOk(foreign instanceof Uint8Array)
  const scanner = new FrameScanner({ terminator: foreign.subarray(1, 2) })
  scanner.write(foreign)
  t.same([scanner.read(), scanner.read()].map((frame) => latin1(frame as Uint8Array)), ['a', 'b'])
})

t.test('FrameScanner: a frame inside one large chunk is a view of it', async (t) => {
  const chunk = new Uint8Array(64 * 1024).fill(120)
  for (let at = 999; at < chunk.length; at += 1000) chunk[at] = 10
  for (const terminator of ['\n', ['\n', '\0'], 1000, null] as const) {
    const scanner = new FrameScanner({ terminator, tail: 'drop' })
    scanner.write(chunk)
    for (let frame = scanner.read(); frame !== null; frame = scanner.read()) {
      if (frame.buffer !== chunk.buffer || frame.byteOffset !== scanner.offset) t.fail(`a copy at ${scanner.offset}`)
    }
  }
  const pieces = new FrameScanner({ terminator: '\n' })
  pieces.write(chunk)
  t.equal(pieces.readPiece()?.buffer, chunk.buffer)
})

t.test('FrameScanner: delivered frames never change', async (t) => {
  for (const [terminator, method] of [['\n', 'read'], ['\r\n', 'read'], [7, 'read'], [null, 'read'], [['\n', ';'], 'read'], ['\n', 'readPiece'], [7, 'readPiece'], [null, 'readPiece']] as const) {
    for (const size of [1, 3, 100, 5000]) {
      const scanner = new FrameScanner({ terminator })
      const kept: { frame: Uint8Array; copy: string }[] = []
      const keep = (frame: Uint8Array): number => kept.push({ frame, copy: latin1(frame) })
      let letter = 0
      for (let round = 0; round < (size === 5000 ? 40 : 300); round += 1) {
        const text = Array.from({ length: size }, () => ((letter += 1) % 11 === 0 ? (letter % 2 === 0 ? '\r\n' : '\n') : String.fromCharCode(97 + (letter % 26)))).join('')
        scanner.write(bytesOf(text))
        if (round % 3 === 0) continue
        for (let frame = scanner[method](); frame !== null; frame = scanner[method]()) keep(frame)
        if (round % 25 === 0) {
          const unread = scanner.takeUnread()
          keep(unread)
          scanner.pushBack(unread)
        }
      }
      t.equal(kept.filter(({ frame, copy }) => latin1(frame) !== copy).length, 0, `${JSON.stringify(terminator)} ${method}, chunks of ${size}`)
    }
  }
})

t.test('FrameScanner: bufferedLength is what is written and not delivered', async (t) => {
  const scanner = new FrameScanner({ terminator: '\r\n' })
  t.equal(scanner.bufferedLength, 0)
  scanner.write(bytesOf('abc\r\nde\r'))
  t.equal(scanner.bufferedLength, 8)
  scanner.read()
  t.equal(scanner.bufferedLength, 3)
  t.equal(scanner.read(), null)
  t.equal(scanner.bufferedLength, 3)
  scanner.write(bytesOf('\n'))
  scanner.read()
  t.equal(scanner.bufferedLength, 0)
})

t.test('FrameScanner: nothing is looked at before it is asked for', async (t) => {
  const scanner = new FrameScanner({ terminator: '\n' })
  scanner.write(bytesOf('a\nb\nc\n'))
  t.equal(scanner.bytesLookedAt, 0)
  scanner.setTerminator(4)
  t.equal(latin1(scanner.read() as Uint8Array), 'a\nb\n', 'a terminator set before reading rules from the first byte')
  t.equal(scanner.bytesLookedAt, 0, 'a count looks at nothing')
})

t.test('FrameScanner: a frame of many chunks comes together', async (t) => {
  for (const size of [1, 7, 1000, 65_536]) {
    const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => 97 + (index % 23)))
    const input = Buffer.concat([content, bytesOf('\r\n'), content, bytesOf('\r\nend')])
    const scanner = new FrameScanner({ terminator: '\r\n' })
    const frames: Uint8Array[] = []
    for (let at = 0; at < input.length; at += size) {
      scanner.write(input.subarray(at, at + size))
      for (let frame = scanner.read(); frame !== null; frame = scanner.read()) frames.push(frame)
    }
    t.equal(frames.length, 2)
    t.ok(frames.every((frame) => content.equals(frame)), `chunks of ${size}`)
    t.equal(latin1(scanner.takeUnread()), 'end')
  }
})

t.test('FrameScanner: reads what a locator finds, where all of it lies in the chunk, and changes nothing otherwise', async (t) => {
  // A digit, so many bytes, a semicolon.
  const digit = {
    locate(chunk: Uint8Array, at: number, extent: { before: number; length: number; after: number }): boolean {
      const length = (chunk[at] as number) - 48
      if (length < 0 || length > 9) return false
      Object.assign(extent, { before: 1, length, after: 1 })
      return true
    },
  }
  const extent = { before: 0, length: 0, after: 0 }
  const scanner = new FrameScanner({ terminator: '\n' })
  const chunk = guarded(bytesOf('2ab;0;3ab'))
  scanner.write(chunk)
  const first = scanner.readLocated(digit, extent) as Uint8Array
  t.equal(latin1(first), 'ab')
  t.equal(first.buffer, chunk.buffer, 'a view')
  t.equal(scanner.position, 4)
  t.equal(latin1(scanner.readLocated(digit, extent) as Uint8Array), '')
  t.equal(scanner.readLocated(digit, extent), null, 'it reaches past the chunk')
  scanner.write(bytesOf(';\n9'))
  t.equal(scanner.readLocated(digit, extent), null, 'it lies in two')
  t.equal(latin1(scanner.read() as Uint8Array), '3ab;')
  t.equal(latin1(scanner.takeUnread()), '9')
  t.equal(scanner.readLocated(digit, extent), null, 'nothing is there')
  scanner.write(bytesOf('x'))
  t.equal(scanner.read(), null)
  t.equal(scanner.readLocated(digit, extent), null, 'nothing is found')
  scanner.write(bytesOf('\n'))
  t.equal(latin1(scanner.read() as Uint8Array), 'x', 'what was looked at is looked at again')
  scanner.setTerminator({ until: '\n', maxFrameLength: 1 })
  scanner.write(bytesOf('1a;'))
  t.throws(() => scanner.read(), { code: 'ERR_FRAME_TOO_LONG' })
  t.equal(scanner.readLocated(digit, extent), null, 'not after an error')
})

t.test('FrameScanner: reads what a reader finds whole in the chunk, and changes nothing otherwise', async (t) => {
  const line = {
    readWhole(chunk: Uint8Array, at: number, extent: { length: number }): string | undefined {
      const end = chunk.indexOf(10, at)
      if (end === -1) return undefined
      extent.length = end + 1 - at
      return latin1(chunk.subarray(at, end))
    },
  }
  const extent = { before: 0, length: 0, after: 0 }
  const scanner = new FrameScanner({ terminator: ';' })
  scanner.write(guarded(bytesOf('ab\n\nc')))
  t.same([scanner.readWhole(line, extent), scanner.readWhole(line, extent)], ['ab', ''])
  t.equal(scanner.position, 4)
  t.equal(scanner.readWhole(line, extent), undefined, 'it is not whole')
  t.equal(scanner.read(), null)
  scanner.write(bytesOf('d\ne;'))
  t.equal(scanner.readWhole(line, extent), undefined, 'it lies in two')
  t.equal(latin1(scanner.read() as Uint8Array), 'cd\ne')
  t.equal(scanner.readWhole(line, extent), undefined, 'nothing is there')
  scanner.setTerminator({ until: ';', maxFrameLength: 1 })
  scanner.write(bytesOf('ab\n'))
  t.throws(() => scanner.read(), { code: 'ERR_FRAME_TOO_LONG' })
  t.equal(scanner.readWhole(line, extent), undefined, 'not after an error')
})

t.test('FrameScanner: readContent gives content, and its end apart', async (t) => {
  const scanner = new FrameScanner({ terminator: '\r\n' })
  scanner.write(Buffer.from('abc\r\n\r\nd'))
  const told: string[] = []
  for (let piece = scanner.readContent(2); piece !== null; piece = scanner.readContent(2)) {
    told.push(`${latin1(piece)} ${scanner.ending} ${scanner.offset} ${scanner.position} ${scanner.endLength}`)
  }
  t.same(told, ['ab null 0 2 -1', 'c null 0 3 2', ' terminator 0 5 -1', ' terminator 5 7 -1', 'd null 7 8 -1'])
  for (const wrong of [0, -1, 1.5, NaN]) t.throws(() => scanner.readContent(wrong), { code: 'ERR_OUT_OF_RANGE', message: /maxLength/ })
  t.throws(() => scanner.readContent('1' as unknown as number), { code: 'ERR_INVALID_ARG_TYPE' })
  t.equal(scanner.readContent(), null, 'any length, where none is given')
})

t.test('FrameScanner: a terminator set between content and its end rules the delimiter', async (t) => {
  const rows: readonly [Terminator, string][] = [
    [';', '\r\nx'],
    ['\n', '\r'],
    [3, '\r\nx'],
    ['\r\n', ''],
    [null, '\r\nx;\r\n'],
  ]
  for (const [terminator, wanted] of rows) {
    const scanner = new FrameScanner({ terminator: '\r\n' })
    scanner.write(Buffer.from('ab\r\nx;\r\n'))
    t.equal(latin1(scanner.readContent() as Uint8Array), 'ab')
    scanner.setTerminator(terminator)
    t.equal(latin1(scanner.readContent() as Uint8Array), wanted)
  }
})

t.test('FrameScanner: readContent does not mix with whole reading inside a frame', async (t) => {
  const scanner = new FrameScanner({ terminator: '\n' })
  scanner.write(Buffer.from('ab\ncd\n'))
  scanner.readContent(1)
  t.throws(() => scanner.read(), { code: 'ERR_INVALID_STATE' })
  scanner.readContent()
  t.throws(() => scanner.read(), { code: 'ERR_INVALID_STATE' }, 'its end is still to come')
  scanner.readContent()
  t.equal(latin1(scanner.read() as Uint8Array), 'cd')
  const skipping = new FrameScanner({ terminator: '\n', maxFrameLength: 1, overflow: 'truncate' })
  skipping.write(Buffer.from('abc'))
  t.equal(skipping.read(), null)
  t.throws(() => skipping.readContent(), { code: 'ERR_INVALID_STATE' })
})

t.test('FrameScanner: says the limit of the frame at hand, how much there is of it and where it began', async (t) => {
  const scanner = new FrameScanner({ terminator: '\r\n', maxFrameLength: 5 })
  const told = (): number[] => [scanner.maxFrameLength, scanner.frameLength, scanner.frameOffset, scanner.position]
  t.same(told(), [5, 0, 0, 0])
  scanner.write(Buffer.from('a\r\nbc\r'))
  t.equal(scanner.frameLength, 0, 'nothing was looked at')
  scanner.read()
  t.equal(scanner.read(), null)
  t.same(told(), [5, 3, 3, 3], 'what is held, with what may be its delimiter')
  scanner.write(Buffer.from('\nde'))
  scanner.read()
  scanner.readPiece()
  t.same(told(), [5, 2, 7, 9], 'what was delivered')
  scanner.setTerminator({ until: '\n', maxFrameLength: 2, overflow: 'truncate' })
  scanner.write(Buffer.from('fghi'))
  t.equal(scanner.read(), null)
  t.same([scanner.maxFrameLength, scanner.frameLength, scanner.frameOffset], [2, 4, 9], 'what is skipped and kept')
  scanner.setTerminator({ until: '\n', maxFrameLength: 2, overflow: 'discard' })
  scanner.takeUnread()
  scanner.write(Buffer.from('fghi'))
  t.equal(scanner.read(), null)
  t.equal(scanner.frameLength, 4, 'what is discarded')
})

t.test('FrameScanner: tells who drives it what comes', async (t) => {
  const scanner = new FrameScanner({ terminator: 0 })
  t.equal(scanner.isEmptyNext, true)
  const { ruleSerial } = scanner
  scanner.setTerminator({ until: '\n', frameTimeout: 5, pieces: true })
  t.same([scanner.isEmptyNext, scanner.ruleSerial > ruleSerial, scanner.frameTimeout, scanner.pieces], [false, true, 5, true])
  t.same([scanner.isEmpty, scanner.isInFrame, scanner.frameCount], [true, false, 0])
  scanner.write(Buffer.from('a\nb'))
  t.equal(scanner.isEmpty, false)
  scanner.read()
  scanner.read()
  t.same([scanner.isInFrame, scanner.frameCount], [true, 1])
  t.match(scanner.expire(5), { code: 'ERR_FRAME_TIMEOUT', limit: 5, offset: 2, framesBefore: 1 })
  t.throws(() => scanner.read(), { code: 'ERR_FRAME_TIMEOUT' })
})

t.test('FrameScanner: reads ahead only what is delivered', async (t) => {
  for (const inPieces of [false, true]) {
    const scanner = new FrameScanner({ terminator: '\n', maxFrameLength: 2 })
    scanner.write(Buffer.from('ab\nabc\n'))
    t.equal(latin1(scanner.readTentatively(inPieces) as Uint8Array), 'ab')
    if (inPieces) scanner.readTentatively(inPieces)
    t.equal(scanner.readTentatively(inPieces), null)
    t.equal(scanner.isBlocked, true)
    scanner.setTerminator('c')
    t.equal(latin1(scanner.read() as Uint8Array), inPieces ? '' : 'ab')
    t.equal(scanner.isBlocked, true, 'as the last tentative read left it')
    const rest = scanner.readTentatively(inPieces)
    t.equal(rest === null ? null : latin1(rest), inPieces ? '\n' : null)
    t.equal(scanner.isBlocked, false)
  }
})

t.test('FrameScanner: says what is missing of a rule\'s count, and of one that is skipped', async (t) => {
  const rule = { until: 5, pieces: true } as const
  const running = new FrameScanner({ terminator: rule })
  t.equal(running.getTerminator(), rule)
  running.write(Buffer.from('ab'))
  running.readPiece()
  t.same(running.getTerminator(), { until: 3, pieces: true })
  const skipping = new FrameScanner({ terminator: 5, maxFrameLength: 2, overflow: 'truncate' })
  skipping.write(Buffer.from('abcd'))
  t.equal(skipping.read(), null)
  t.equal(skipping.getTerminator(), 1)
  const failed = new FrameScanner({ terminator: 5, maxFrameLength: 2, overflow: 'truncate', tail: 'error' })
  failed.write(Buffer.from('abcd'))
  failed.end()
  t.throws(() => failed.read(), { code: 'ERR_FRAME_INCOMPLETE', length: 4 })
  failed.setTerminator(null)
  t.equal(latin1(failed.read() as Uint8Array), 'ab', 'what was kept of it is unread')
})
