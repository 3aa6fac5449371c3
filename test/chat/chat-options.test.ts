import t from 'tap'
import { type AsyncChatOptions, HOOK_NAMES, checkSettings, checkSignal } from '../../src/chat/chat-options.js'

const SIZES = { acInBufferSize: 65_536, acOutBufferSize: 32_768 }
const TYPE = 'ERR_INVALID_ARG_TYPE'
const RANGE = 'ERR_OUT_OF_RANGE'

t.test('checkSettings: has a default for everything; the sizes are the class\'s', async (t) => {
  t.same(checkSettings({}, SIZES), {
    terminator: null,
    maxFrameLength: 1_048_576,
    overflow: 'error',
    acInBufferSize: 65_536,
    acOutBufferSize: 32_768,
    maxQueuedBytes: 1_048_576,
    idleTimeout: undefined,
    frameTimeout: undefined,
    lingerTimeout: 2000,
    allowHalfOpen: true,
    signal: undefined,
    tap: undefined,
  })
})

t.test('checkSettings: takes what is given, and undefined for what is not', async (t) => {
  const given = {
    terminator: '\n', maxFrameLength: Infinity, overflow: 'discard', acInBufferSize: 1, acOutBufferSize: 2, maxQueuedBytes: Infinity,
    idleTimeout: 0, frameTimeout: 1, lingerTimeout: 0, allowHalfOpen: false, signal: new AbortController().signal, tap: () => {},
  } as const
  t.same(checkSettings(given, SIZES), given)
  const missing = Object.fromEntries([...Object.keys(given), ...HOOK_NAMES].map((name) => [name, undefined]))
  t.same(checkSettings(missing, SIZES), checkSettings({}, SIZES))
})

const wrong: Readonly<Record<string, readonly (readonly [value: unknown, code: string])[]>> = {
  maxFrameLength: [[0, RANGE], [1.5, RANGE], [-1, RANGE], [NaN, RANGE], ['1', TYPE], [null, TYPE]],
  overflow: [['drop', TYPE], [true, TYPE], [null, TYPE]],
  acInBufferSize: [[0, RANGE], [1.5, RANGE], [-1, RANGE], [NaN, RANGE], [Infinity, RANGE], ['1', TYPE], [null, TYPE], [1n, TYPE]],
  acOutBufferSize: [[0, RANGE], [1.5, RANGE], [-1, RANGE], [NaN, RANGE], [Infinity, RANGE], ['1', TYPE], [null, TYPE], [1n, TYPE]],
  maxQueuedBytes: [[0, RANGE], [1.5, RANGE], [-1, RANGE], ['1', TYPE]],
  idleTimeout: [[-1, RANGE], [NaN, RANGE], [Infinity, RANGE], [2 ** 31, RANGE], ['1', TYPE], [null, TYPE]],
  frameTimeout: [[-1, RANGE], [NaN, RANGE], [Infinity, RANGE], [2 ** 31, RANGE], ['1', TYPE], [null, TYPE]],
  lingerTimeout: [[-1, RANGE], [NaN, RANGE], [Infinity, RANGE], [2 ** 31, RANGE], ['1', TYPE], [null, TYPE]],
  allowHalfOpen: [[1, TYPE], ['no', TYPE], [null, TYPE]],
  signal: [[{}, TYPE], [null, TYPE], [true, TYPE], [new AbortController(), TYPE], [{ aborted: false }, TYPE]],
  tap: [['log', TYPE], [null, TYPE], [{}, TYPE]],
  ...Object.fromEntries(HOOK_NAMES.map((name) => [name, [['no function', TYPE], [null, TYPE], [42, TYPE], [{}, TYPE]]])),
}

for (const [name, values] of Object.entries(wrong)) {
  t.test(`checkSettings: refuses a wrong ${name}, naming it`, async (t) => {
    for (const [value, code] of values as readonly (readonly [unknown, string])[]) {
      const options = { [name]: value } as AsyncChatOptions
      t.throws(() => checkSettings(options, SIZES), { code, message: new RegExp(`"options.${name}"`) }, String(value))
    }
  })
}

t.test('checkSettings: refuses options that are none', async (t) => {
  for (const options of [null, 'x', 42, [], () => {}]) {
    t.throws(() => checkSettings(options as unknown as AsyncChatOptions, SIZES), { code: TYPE, message: /"options"/ })
  }
})

t.test('checkSettings: refuses the class\'s sizes too', async (t) => {
  for (const size of [0, 1.5, -1]) {
    t.throws(() => checkSettings({}, { ...SIZES, acInBufferSize: size }), { code: RANGE, message: /acInBufferSize/ })
    t.throws(() => checkSettings({}, { ...SIZES, acOutBufferSize: size }), { code: RANGE, message: /acOutBufferSize/ })
  }
})

t.test('checkSignal: takes anything that works as an AbortSignal', async (t) => {
  const { signal } = new AbortController()
  t.equal(checkSignal('signal', signal), signal)
  t.equal(checkSignal('signal', undefined), undefined)
  t.throws(() => checkSignal('the signal', 'x' as unknown as AbortSignal), { code: TYPE, message: /"the signal"/ })
})
