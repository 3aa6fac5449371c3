import t from 'tap'
import * as errors from '../src/errors.js'

const LONG = 'x'.repeat(41)

/** What a message says of a value: short, quoted, whatever the value. */
const shownValues: readonly [name: string, value: unknown, shown: string][] = [
  ['undefined', undefined, 'undefined'],
  ['null', null, 'null'],
  ['a boolean', false, 'false'],
  ['NaN', Number.NaN, 'NaN'],
  ['a fraction', -0.5, '-0.5'],
  ['a bigint, told from a number', 12n, '12n'],
  ['a symbol, which no template takes', Symbol('s'), 'Symbol(s)'],
  ['a string in quotes', 'a "b"\r\n', String.raw`"a \"b\"\r\n"`],
  ['an empty string', '', '""'],
  ['a string of the longest length shown', LONG.slice(1), `"${LONG.slice(1)}"`],
  ['a longer string, cut and marked', LONG, `"${LONG.slice(1)}"...`],
  ['a function by its name', Math.max, 'function max'],
  ['a plain object by its class', { a: 1 }, 'an instance of Object'],
  ['an object of a class', new Map(), 'an instance of Map'],
  ['an object without a prototype, which no template takes', Object.create(null), 'an instance of Object'],
  ['an array by its length', ['a', 'b', 'c'], 'an array of 3'],
  ['an empty array', [], '[]'],
]

t.test('invalidType: names the argument, what was wanted and the value', async (t) => {
  for (const [name, value, shown] of shownValues) {
    const error = errors.invalidType('count', 'a number', value)
    t.equal(error.message, `The "count" argument must be a number. Received ${shown}`, name)
  }
})

t.test('invalidType: is a TypeError with the code of Node, as Node itself makes it', async (t) => {
  const error = errors.invalidType('options.tail', 'a string', 1)
  t.match(error, { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
  t.ok(error instanceof TypeError)
  t.equal(error.message, 'The "options.tail" property must be a string. Received 1', 'a path is a property')
})

t.test('outOfRange: is a RangeError with the code of Node', async (t) => {
  const error = errors.outOfRange('size', '>= 1', -1)
  t.match(error, { name: 'RangeError', code: 'ERR_OUT_OF_RANGE', message: 'The "size" argument must be >= 1. Received -1' })
  t.ok(error instanceof RangeError)
})

t.test('invalidState: is an Error with the code of Node', async (t) => {
  const error = errors.invalidState('write() after end()')
  t.match(error, { name: 'Error', code: 'ERR_INVALID_STATE', message: 'Invalid state: write() after end()' })
})

const bytes = Uint8Array.of(1, 2)

/** Each maker: its code, its message and exactly the facts that mean something for it. */
const made: readonly [error: errors.FramingError, code: string, message: string, facts: object][] = [
  [errors.frameTooLong(4, 5, 6, 7), 'ERR_FRAME_TOO_LONG', 'Frame at offset 6 is too long: the limit is 4 bytes, it has at least 5', { limit: 4, length: 5, offset: 6, framesBefore: 7 }],
  [errors.frameIncomplete(bytes, 2, 3, 4), 'ERR_FRAME_INCOMPLETE', 'Frame at offset 3 is incomplete: the input ended after 2 bytes of it', { bytes, length: 2, offset: 3, framesBefore: 4 }],
  [errors.frameTimeout(50, 1, 2), 'ERR_FRAME_TIMEOUT', 'Frame at offset 1 is late: it did not end within 50 ms of its first byte', { limit: 50, offset: 1, framesBefore: 2 }],
  [errors.noProgress(100, 1, 2), 'ERR_NO_PROGRESS', 'No progress at offset 1: 100 empty frames in a row consumed no byte', { offset: 1, framesBefore: 2 }],
  [errors.channelClosed(), 'ERR_CHANNEL_CLOSED', 'The channel is closed', {}],
  [errors.channelClosed('Cannot enqueue'), 'ERR_CHANNEL_CLOSED', 'Cannot enqueue', {}],
  [errors.discarded(), 'ERR_DISCARDED', 'The source was discarded before all of it had left', {}],
]

for (const [error, code, message, facts] of made) {
  t.test(`FramingError: ${code} carries its facts and no others`, async (t) => {
    t.ok(error instanceof errors.FramingError && error instanceof Error)
    t.equal(error.message, message)
    t.same(Object.fromEntries(Object.entries(error)), { code, ...facts })
    t.equal(String(error), `FramingError: ${message}`)
    t.ok(error.stack?.startsWith(`FramingError: ${message}`), 'the stack has the name, too')
  })
}

t.test('FramingError: has no facts unless given some', async (t) => {
  const error = new errors.FramingError('ERR_NO_PROGRESS', 'none')
  t.same(Object.keys(error), ['code'])
  t.equal(error.limit, undefined)
})

t.test('failureOf: is the reason itself, or an error about what is none', async (t) => {
  for (const reason of [new Error('original'), { code: 'of another kind' }]) t.equal(errors.failureOf(reason), reason)
  for (const reason of [undefined, null, 'text', 0]) {
    const error = errors.failureOf(reason)
    t.match(error, { name: 'Error', message: `The source failed with ${JSON.stringify(reason) ?? 'undefined'}` })
    t.equal(error.cause, reason)
  }
})

t.test('emptyFifo: is a RangeError with the code of Node', async (t) => {
  t.match(errors.emptyFifo(), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
})
