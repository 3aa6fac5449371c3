import t from 'tap'
import { NEVER, compileTerminator, copyOfDelimiters, discardInPieces, sameRule } from '../../src/framing/terminator.js'
import type { Terminator } from '../../src/framing/terminator.js'

const texts = (given: Terminator): string[] | undefined =>
  compileTerminator(given).delimiters?.delimiters.map((bytes) => Buffer.from(bytes).toString('latin1'))

const accepted: readonly [name: string, given: Terminator, delimiters: string[] | undefined, count: number, limits?: object][] = [
  ['null as never', null, undefined, -1],
  ['a string', '\r\n', ['\r\n'], -1],
  ['bytes', Uint8Array.of(10), ['\n'], -1],
  ['an array', ['a', Buffer.from('b')], ['a', 'b'], -1],
  ['a count', 3, undefined, 3],
  ['0', 0, undefined, 0],
  ['the largest count', Number.MAX_SAFE_INTEGER, undefined, Number.MAX_SAFE_INTEGER],
  ['a rule without limits', { until: ';' }, [';'], -1],
  ['a rule with null', { until: null, pieces: true }, undefined, -1, { pieces: true }],
  ['a rule with all there is', { until: 5, maxFrameLength: 9, overflow: 'discard', frameTimeout: 0, pieces: false }, undefined, 5, { maxFrameLength: 9, overflow: 'discard', frameTimeout: 0, pieces: false }],
]

for (const [name, given, delimiters, count, limits] of accepted) {
  t.test(`compileTerminator: takes ${name}`, async (t) => {
    const rule = compileTerminator(given)
    const none = { maxFrameLength: undefined, overflow: undefined, frameTimeout: undefined, pieces: undefined }
    t.same(texts(given), delimiters)
    t.match(rule, { count, given, ...none, ...limits })
  })
}

const KINDS = 'a string, Uint8Array, array of them, number, null or { until }'
const refused: readonly [given: unknown, name: string, wanted: string, isRange?: boolean][] = [
  [undefined, '"terminator" argument', KINDS],
  [true, '"terminator" argument', KINDS],
  [3n, '"terminator" argument', KINDS],
  [() => '\n', '"terminator" argument', KINDS],
  [/\n/, '"terminator" argument', KINDS],
  [new ArrayBuffer(1), '"terminator" argument', KINDS],
  [{ maxFrameLength: 1 }, '"terminator" argument', KINDS],
  ['', '"terminator" argument', 'a delimiter of at least one byte'],
  [['a', undefined], '"terminator[1]" argument', 'a string or Uint8Array'],
  [-1, '"terminator" argument', 'a safe integer >= 0', true],
  [1.5, '"terminator" argument', 'a safe integer >= 0', true],
  [Number.NaN, '"terminator" argument', 'a safe integer >= 0', true],
  [Infinity, '"terminator" argument', 'a safe integer >= 0', true],
  [2 ** 53, '"terminator" argument', 'a safe integer >= 0', true],
  [{ until: { until: 1 } }, '"terminator.until" property', 'a string, Uint8Array, array of them, number or null'],
  [{ until: -1 }, '"terminator.until" property', 'a safe integer >= 0', true],
  [{ until: [''] }, '"terminator.until[0]" property', 'a delimiter of at least one byte'],
  [{ until: 1, maxFrameLength: 0 }, '"terminator.maxFrameLength" property', 'a positive integer or Infinity', true],
  [{ until: 1, overflow: 'skip' }, '"terminator.overflow" property', "one of 'error', 'discard', 'truncate'"],
  [{ until: 1, frameTimeout: -1 }, '"terminator.frameTimeout" property', 'a number of milliseconds from 0 to 2147483647', true],
  [{ until: 1, pieces: 1 }, '"terminator.pieces" property', 'a boolean'],
  [{ until: 1, pieces: true, overflow: 'discard' }, '"terminator.overflow" property', "'error' or 'truncate' where frames are delivered in pieces"],
]

t.test('compileTerminator: refuses what is no terminator, naming it and the value', async (t) => {
  for (const [given, name, wanted, isRange = false] of refused) {
    const wantedError = isRange ? { constructor: RangeError, code: 'ERR_OUT_OF_RANGE' } : { constructor: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
    const error = t.throws(() => compileTerminator(given as Terminator), wantedError, `${name} ${wanted}`)
    t.ok((error as Error).message.startsWith(`The ${name} must be ${wanted}. Received `), (error as Error).message)
  }
})

t.test('compileTerminator: remembers what was set, and sees when it was changed', async (t) => {
  const b = Buffer.from('b')
  const list = ['a', b]
  const bytes = Uint8Array.of(1, 2)
  for (const given of ['\r\n', list, bytes, { until: 'x' }]) t.equal(compileTerminator(given), compileTerminator(given))
  bytes[1] = 3
  t.same(texts(bytes), ['\x01\x03'])
  b.fill('c')
  t.same(texts(list), ['a', 'c'], 'in an array, too')
  list.push('d')
  t.same(texts(list), ['a', 'c', 'd'])
  const first = compileTerminator('<0>')
  for (let count = 1; count < 100; count++) compileTerminator(`<${count}>`)
  t.not(compileTerminator('<0>'), first, 'not for ever: strings of a peer would fill the memory')
  t.same(texts('<0>'), ['<0>'])
  const long = 'x'.repeat(257)
  t.not(compileTerminator(long), compileTerminator(long), 'long strings are not kept')
})

const pairs: readonly [left: Terminator, right: Terminator, same: boolean][] = [
  ['\n', Uint8Array.of(10), true],
  ['\n', ['\n'], true],
  [{ until: '\n' }, '\n', true],
  [{ until: '\n', maxFrameLength: 5 }, { until: ['\n'], maxFrameLength: 5 }, true],
  [3, 3, true],
  ['a', 'b', false],
  ['a', ['a', 'b'], false],
  [['a', 'b'], ['b', 'a'], false],
  ['a', null, false],
  [3, 4, false],
  [0, null, false],
  [{ until: 'a', maxFrameLength: 5 }, 'a', false],
  [{ until: 'a', overflow: 'truncate' }, 'a', false],
  [{ until: 'a', frameTimeout: 1 }, 'a', false],
  [{ until: 'a', pieces: true }, 'a', false],
]

t.test('sameRule: is true where both end the same frames in the same way', async (t) => {
  for (const [left, right, same] of pairs) {
    t.equal(sameRule(compileTerminator(left), compileTerminator(right)), same, JSON.stringify([left, right]))
    t.equal(sameRule(compileTerminator(right), compileTerminator(left)), same, JSON.stringify([right, left]))
  }
  t.ok(sameRule(NEVER, compileTerminator(null)))
})

t.test('copyOfDelimiters: copies bytes and arrays, to any depth there is, and nothing else', async (t) => {
  const given = ['a', Buffer.from('b')]
  const copy = copyOfDelimiters(given)
  t.same(copy, given)
  t.ok(copy !== given && copy[1] !== given[1])
  const rule = { until: 1 }
  for (const same of [null, 5, 'x', rule]) t.equal(copyOfDelimiters(same), same)
})

t.test('discardInPieces: names the option that asked for it', async (t) => {
  t.equal(discardInPieces('options.overflow').message, 'The "options.overflow" property must be \'error\' or \'truncate\' where frames are delivered in pieces. Received "discard"')
})
