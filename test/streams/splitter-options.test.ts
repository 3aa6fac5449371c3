import t from 'tap'
import type { FrameDetails, FrameOf, FramePiece, TerminatorSplitterOptions } from '../../src/index.js'
import { type Terminator, TerminatorSplitter } from '../../src/index.js'
import * as splitterOptions from '../../src/streams/splitter-options.js'

const DEFAULTS = { encoding: undefined, pieces: false, details: false, skipEmpty: false, copy: false, frameTimeout: 0, discards: false, autoDestroy: true }

const accepted: readonly [name: string, options: TerminatorSplitterOptions, wanted: Partial<splitterOptions.CheckedOptions>][] = [
  ['nothing', {}, {}],
  ['all flags', { details: true, skipEmpty: true, copy: true }, { details: true, skipEmpty: true, copy: true }],
  ['any encoding of Buffer', { encoding: 'latin1' }, { encoding: 'latin1' }],
  ['an overflow that discards', { overflow: 'discard' }, { discards: true }],
  ['pieces that truncate', { pieces: true, overflow: 'truncate' }, { pieces: true }],
  ['autoDestroy, of which undefined is the default', { autoDestroy: false }, { autoDestroy: false }],
  ['a deadline', { frameTimeout: 1.5 }, { frameTimeout: 1.5 }],
]

const refused: readonly [options: unknown, message: RegExp, isRange?: boolean][] = [
  [null, /^The "options" argument must be an object/],
  [{ encoding: 'utf-7' }, /^The "options\.encoding" property must be an encoding that Buffer knows/],
  [{ encoding: 8 }, /^The "options\.encoding" property must be/],
  [{ pieces: 1 }, /^The "options\.pieces" property must be a boolean/],
  [{ details: 1 }, /^The "options\.details" property must be a boolean/],
  [{ skipEmpty: null }, /^The "options\.skipEmpty" property must be a boolean/],
  [{ copy: 'yes' }, /^The "options\.copy" property must be a boolean/],
  [{ frameTimeout: -1 }, /^The "options\.frameTimeout" property must be a number of milliseconds/, true],
  [{ pieces: true, overflow: 'discard' }, /^The "options\.overflow" property must be 'error' or 'truncate'/],
  [{ pieces: true, encoding: 'utf8' }, /^The "options\.pieces" property must be false where frames are strings/],
]

t.test('checkSplitterOptions: completes what it takes', async (t) => {
  for (const [name, options, wanted] of accepted) t.strictSame(splitterOptions.checkSplitterOptions(options), { ...DEFAULTS, ...wanted }, name)
})

t.test('checkSplitterOptions: refuses what is no option, naming it', async (t) => {
  for (const [options, message, isRange = false] of refused) {
    const wanted = { message, code: isRange ? 'ERR_OUT_OF_RANGE' : 'ERR_INVALID_ARG_TYPE' }
    t.throws(() => splitterOptions.checkSplitterOptions(options as TerminatorSplitterOptions), wanted)
  }
})

const together: readonly [name: string, terminator: Terminator, options: TerminatorSplitterOptions, message?: RegExp][] = [
  ['a plain terminator asks for nothing', '\n', { encoding: 'utf8' }],
  ['a rule in pieces of strings', { until: 1, pieces: true }, { encoding: 'utf8' }, /"terminator\.pieces" property must be false/],
  ['a rule in pieces, of options that discard', { until: 1, pieces: true }, { overflow: 'discard' }, /"terminator\.overflow" property must be 'error'/],
  ['a rule in pieces, with another overflow than the options have', { until: 1, pieces: true, overflow: 'error' }, { overflow: 'discard' }],
  ['a rule that discards, of options with pieces', { until: 1, overflow: 'discard' }, { pieces: true }, /"terminator\.overflow" property must be 'error'/],
  ['a rule that discards whole frames, of options with pieces', { until: 1, overflow: 'discard', pieces: false }, { pieces: true }],
]

t.test('checkTogether: refuses a rule that does not go with the options', async (t) => {
  for (const [name, terminator, options, message] of together) {
    const check = (): void => splitterOptions.checkTogether(terminator, splitterOptions.checkSplitterOptions(options))
    if (message === undefined) t.doesNotThrow(check, name)
    else t.throws(check, { code: 'ERR_INVALID_ARG_TYPE', message }, name)
  }
})

t.test('scannerOptions: passes on what the scanner knows', async (t) => {
  const options = splitterOptions.scannerOptions('\n', { tail: 'drop', maxFrameLength: 3 }, Number.isInteger)
  t.strictSame(options, { tail: 'drop', maxFrameLength: 3, terminator: '\n', onOverflow: Number.isInteger })
})

t.test('transformOptions: says its high-water marks, and leaves the rest to the platform unless told', async (t) => {
  const marks = { readableObjectMode: true, readableHighWaterMark: 0 }
  t.strictSame(splitterOptions.transformOptions({ copy: true }), { ...marks, writableHighWaterMark: 65_536 })
  const told = { autoDestroy: false, writableHighWaterMark: 0, signal: AbortSignal.abort() }
  t.strictSame(splitterOptions.transformOptions(told), { ...marks, ...told })
  t.throws(() => splitterOptions.transformOptions({ writableHighWaterMark: -1 }), { code: 'ERR_OUT_OF_RANGE', message: /"options\.writableHighWaterMark"/ })
})

/** Each is assignable to the other, and none is `any`. */
type Same<A, B> = [A, B] extends [B, A] ? (0 extends 1 & A ? false : true) : false

/** Compiles only where `Wanted` is exactly what the options are said to deliver. */
function delivers<Wanted>() {
  return <const O extends TerminatorSplitterOptions>(options: O, _isSame: Same<FrameOf<O>, Wanted>, wanted: Wanted) => [options, wanted] as const
}

const data = Buffer.from('a')
const details = { offset: 0, ending: 'terminator', matched: 0 } as const
const delivered = [
  delivers<Buffer>()({}, true, data),
  delivers<Buffer>()({ copy: true, pieces: false, details: false }, true, data),
  delivers<string>()({ encoding: 'utf8' }, true, 'a'),
  delivers<FramePiece>()({ pieces: true }, true, { data, ending: 'terminator' }),
  delivers<FrameDetails>()({ details: true }, true, { data, ...details }),
  delivers<FrameDetails<string>>()({ details: true, encoding: 'latin1' }, true, { data: 'a', ...details }),
  delivers<FrameDetails<Buffer, FramePiece['ending']>>()({ details: true, pieces: true }, true, { data, ...details }),
] as const

t.test('FrameOf: is what a splitter with these options delivers', async (t) => {
  for (const [options, wanted] of delivered) {
    const splitter = new TerminatorSplitter('\n', options)
    splitter.end('a\n')
    t.strictSame(await splitter.toArray(), [wanted], JSON.stringify(options))
  }
})
